#include "storage/metrics/internal/definitions.h"

#include <unordered_map>
#include <utility>

#include "storage/chunk/bytes.h"
#include "storage/metrics/internal/compress.h"
#include "storage/metrics/internal/rows_codec.h"

namespace nines::storage {
namespace {

using chunk::ByteReader;
using series::SeriesIndex;

Error damaged(const char* what) {
  return Error(ErrorCode::kCorrupt, std::string(what) + " frame: damaged");
}

}  // namespace

std::string encode_layout(std::uint64_t id, std::string_view family, const SeriesIndex& index,
                          std::uint32_t first, std::uint32_t end) {
  std::unordered_map<std::uint32_t, std::uint32_t> places;  // of symbols in this frame
  std::string texts;
  std::string slots;
  const auto place = [&](std::uint32_t symbol) {
    const auto [at, fresh] = places.try_emplace(symbol, static_cast<std::uint32_t>(places.size()));
    if (fresh) chunk::put_text(texts, index.symbols().text(symbol));
    return at->second;
  };
  for (std::uint32_t slot = first; slot < end; ++slot) {
    const auto refs = index.refs(slot);
    chunk::put_varint(slots, refs.size());
    for (const SeriesIndex::LabelRef& ref : refs) {
      chunk::put_varint(slots, place(ref.name));
      chunk::put_varint(slots, place(ref.value));
    }
  }
  std::string raw;
  chunk::put_fixed(raw, id);
  chunk::put_text(raw, family);
  chunk::put_varint(raw, first);
  chunk::put_varint(raw, places.size());
  raw += texts;
  chunk::put_varint(raw, end - first);
  raw += slots;
  std::string out;
  put_packed(out, raw);
  return out;
}

Result<LayoutFrame> decode_layout(std::string_view payload) {
  LayoutFrame frame;
  NINES_TRY(frame.content_, unpack(payload));
  ByteReader in(frame.content_);
  frame.id = in.fixed<std::uint64_t>();
  frame.family = in.text();
  const std::uint64_t first = in.varint();
  if (first >= UINT32_MAX) return damaged("LAYOUT");
  frame.first = static_cast<std::uint32_t>(first);
  const std::size_t texts = in.count();
  frame.texts_.reserve(texts);
  for (std::size_t i = 0; i < texts && !in.failed(); ++i) frame.texts_.push_back(in.text());
  const std::size_t slots = in.count();
  frame.begins_.reserve(slots + 1);
  for (std::size_t i = 0; i < slots && !in.failed(); ++i) {
    const std::size_t labels = in.count(2);
    for (std::size_t l = 0; l < labels; ++l) {
      const std::uint64_t name = in.varint();
      const std::uint64_t value = in.varint();
      if (in.failed() || name >= texts || value >= texts) return damaged("LAYOUT");
      frame.labels_.push_back(
          {static_cast<std::uint32_t>(name), static_cast<std::uint32_t>(value)});
    }
    frame.begins_.push_back(static_cast<std::uint32_t>(frame.labels_.size()));
  }
  if (in.failed() || in.left() != 0) return damaged("LAYOUT");
  return frame;
}

bool LayoutFrame::join(SeriesIndex& index) const {
  if (index.size() < first) return false;
  constexpr std::uint32_t kUnknown = UINT32_MAX;
  std::vector<std::uint32_t> symbols;
  symbols.reserve(texts_.size());
  for (const std::string_view text : texts_) {
    const auto known = index.symbols().find(text);
    symbols.push_back(known ? *known : kUnknown);
  }
  // What is there already must be the same; all of it is compared before anything is added.
  const std::uint32_t known = std::min(index.size() - first, count());
  for (std::uint32_t i = 0; i < known; ++i) {
    const auto there = index.refs(first + i);
    if (there.size() != begins_[i + 1] - begins_[i]) return false;
    for (std::size_t l = 0; l < there.size(); ++l) {
      const SeriesIndex::LabelRef& mine = labels_[begins_[i] + l];
      if (symbols[mine.name] != there[l].name || symbols[mine.value] != there[l].value)
        return false;
    }
  }
  std::vector<SeriesIndex::LabelRef> refs;
  for (std::uint32_t i = known; i < count(); ++i) {
    refs.clear();
    for (std::uint32_t l = begins_[i]; l < begins_[i + 1]; ++l) {
      for (const std::uint32_t text : {labels_[l].name, labels_[l].value}) {
        if (symbols[text] == kUnknown) symbols[text] = index.add_symbol(texts_[text]);
      }
      refs.push_back({symbols[labels_[l].name], symbols[labels_[l].value]});
    }
    if (!index.append(refs)) return false;  // the frame has a series twice: nobody writes such
  }
  return true;
}

std::size_t layout_bytes(const SeriesIndex& index, std::uint32_t first, std::uint32_t end) {
  if (first >= end) return 0;
  std::size_t bytes = 64;
  // Texts are written once each; to count them all again would cost as much as writing them.
  for (std::uint32_t slot = first; slot < end; ++slot) {
    bytes += 2;
    for (const SeriesIndex::LabelRef& ref : index.refs(slot)) {
      bytes += 8 + index.symbols().text(ref.value).size();
    }
  }
  return bytes + 4096;
}

std::string encode_group(const GroupFrame& frame) {
  std::string raw;
  chunk::put_text(raw, frame.group);
  put_label_set(raw, frame.labels);
  chunk::put_fixed(raw, frame.layout);
  std::string out;
  put_packed(out, raw);
  return out;
}

Result<GroupFrame> decode_group(std::string_view payload) {
  NINES_TRY(const std::string raw, unpack(payload));
  ByteReader in(raw);
  GroupFrame frame;
  frame.group = in.text();
  std::vector<Label> labels(in.count(2));
  for (Label& label : labels) {
    label.name = in.text();
    label.value = in.text();
  }
  frame.labels = LabelSet::from(std::move(labels));
  frame.layout = in.fixed<std::uint64_t>();
  if (in.failed() || in.left() != 0) return damaged("GROUP");
  return frame;
}

}  // namespace nines::storage
