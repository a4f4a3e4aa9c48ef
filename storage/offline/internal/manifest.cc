#include "storage/offline/internal/manifest.h"

#include <algorithm>
#include <charconv>
#include <span>

#include <fmt/format.h>

#include "base/text/json.h"
#include "storage/ring/crc32c.h"
#include "storage/ring/ring.h"

namespace nines::storage {
namespace {

constexpr std::int64_t kFormat = 1;
constexpr std::string_view kSumBegins = ",\"crc32c\":\"";
constexpr std::string_view kSumEnds = "\"}\n";

std::uint32_t sum_of(std::string_view text) {
  return ring::crc32c(std::as_bytes(std::span(text.data(), text.size())));
}

Error broken(const std::string& why) {
  return Error(ErrorCode::kCorrupt, std::string(kManifestName) + " is damaged: " + why);
}

// Nothing but what nines itself writes: a name becomes a path.
bool is_known_name(const std::string& name, std::uint32_t segments) {
  if (name == "super" || name == "state.db") return true;
  std::uint32_t number = 0;
  const char* begin = name.data() + std::min<std::size_t>(4, name.size());
  const auto parsed = std::from_chars(begin, name.data() + name.size(), number);
  return parsed.ec == std::errc() && number < segments && ring::segment_name(number) == name;
}

Result<std::uint32_t> parse_sum(std::string_view text) {
  std::uint32_t sum = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), sum, 16);
  if (text.size() != 8 || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
    return broken("a checksum does not read");
  return sum;
}

}  // namespace

std::string write_manifest(const Manifest& manifest) {
  JsonWriter json;
  json.begin_object()
      .field("format", kFormat)
      .field("nines", manifest.nines)
      .field("taken_at_ms", to_millis(manifest.taken_at))
      .field("uuid", manifest.uuid)
      .field("segment_bytes", std::uint64_t{manifest.segment_bytes})
      .field("segments", std::uint64_t{manifest.segments})
      .field("generation", manifest.generation);
  json.key("files").begin_array();
  for (const ManifestFile& file : manifest.files) {
    json.begin_object()
        .field("name", file.name)
        .field("bytes", file.bytes)
        .field("crc32c", fmt::format("{:08x}", file.crc));
    if (!file.cls.empty()) json.field("class", file.cls).field("generation", file.generation);
    json.end_object();
  }
  json.end_array();
  json.key("damage").begin_array();
  for (const std::string& line : manifest.damage) json.value(line);
  json.end_array().end_object();
  std::string text = json.take();
  text.pop_back();  // the brace comes after the checksum
  text += fmt::format("{}{:08x}{}", kSumBegins, sum_of(text), kSumEnds);
  return text;
}

Result<Manifest> read_manifest(std::string_view text) {
  const std::size_t sum_at = text.rfind(kSumBegins);
  if (sum_at == text.npos || !text.ends_with(kSumEnds)) return broken("its end is missing");
  const std::size_t digits = sum_at + kSumBegins.size();
  NINES_TRY(const std::uint32_t sum,
            parse_sum(text.substr(digits, text.size() - kSumEnds.size() - digits)));
  if (sum != sum_of(text.substr(0, sum_at))) return broken("its checksum does not fit");
  const auto json = Json::parse(text.substr(0, text.size() - 1));
  if (!json) return broken(json.error().what());
  if ((*json)["format"].as_int() != kFormat) {
    return Error(ErrorCode::kInvalid,
                 fmt::format("the backup has format {}, and this nines reads {}: use a newer one",
                             (*json)["format"].as_int(), kFormat));
  }
  Manifest out;
  out.nines = (*json)["nines"].as_string();
  out.taken_at = from_millis((*json)["taken_at_ms"].as_int());
  out.uuid = (*json)["uuid"].as_string();
  out.segment_bytes = static_cast<std::uint32_t>((*json)["segment_bytes"].as_int());
  out.segments = static_cast<std::uint32_t>((*json)["segments"].as_int());
  out.generation = static_cast<std::uint64_t>((*json)["generation"].as_int());
  for (const Json& item : (*json)["files"].items()) {
    ManifestFile file;
    file.name = item["name"].as_string();
    file.bytes = static_cast<std::uint64_t>(item["bytes"].as_int());
    NINES_TRY(file.crc, parse_sum(item["crc32c"].as_string()));
    file.cls = item["class"].as_string();
    file.generation = static_cast<std::uint64_t>(item["generation"].as_int());
    if (!is_known_name(file.name, out.segments)) return broken("it names " + file.name);
    if (!file.cls.empty() && file.bytes > out.segment_bytes)
      return broken(file.name + " is larger than a segment");
    out.files.push_back(std::move(file));
  }
  for (const Json& item : (*json)["damage"].items()) out.damage.push_back(item.as_string());
  return out;
}

Result<FileSum> sum_file(Fs& fs, const std::string& path) {
  constexpr std::size_t kChunkBytes = 1u << 20;
  NINES_TRY(const auto file, fs.open(path, OpenMode::kRead));
  std::vector<std::byte> chunk(kChunkBytes);
  FileSum sum;
  for (;;) {
    NINES_TRY(const std::size_t got, file->pread(sum.bytes, chunk));
    sum.crc = ring::crc32c(std::span(chunk).first(got), sum.crc);
    sum.bytes += got;
    if (got < chunk.size()) return sum;
  }
}

}  // namespace nines::storage
