#include "storage/metrics/internal/catalog.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/text/text.h"

namespace nines::storage {
namespace {

// A group stays with a layout that others made while it uses at least about half of it: slots it
// does not use cost it some memory each.
bool suits(std::uint32_t slot, std::uint32_t series) {
  return slot < 2 * series + 64;
}

}  // namespace

Group& Catalog::group(const std::string& name) {
  auto& group = groups_[name];
  if (!group) {
    group = std::make_unique<Group>();
    group->name = name;
  }
  return *group;
}

std::shared_ptr<Layout> Catalog::make_layout(const std::string& family) {
  auto layout = std::make_shared<Layout>();
  do {
    ++made_;
    std::string text(reinterpret_cast<const char*>(&seed_), sizeof(seed_));
    text.append(reinterpret_cast<const char*>(&made_), sizeof(made_));
    layout->id = hash64(text + family);
  } while (layouts_.contains(layout->id));
  layout->family = family;
  layouts_[layout->id] = layout;
  families_[family].push_back(layout);
  return layout;
}

std::shared_ptr<Version> Catalog::make_version(Group& group, const LabelSet& labels,
                                               std::shared_ptr<Layout> layout) {
  auto version = std::make_shared<Version>();
  version->group = group.name;
  version->labels = labels;
  version->layout = std::move(layout);
  version->tag = ++last_tag_;
  group.versions.push_back(version);
  try {
    by_label_.add(version);
  } catch (...) {
    group.versions.pop_back();
    throw;
  }
  ++version->layout->users;
  ++changes_;
  return version;
}

void Catalog::begin_live(Version& version) {
  version.begin_live();
  ++changes_;
}

void Catalog::set_current(Group& group, std::shared_ptr<Version> version) {
  if (group.current) series_ -= group.current->series;
  group.current = std::move(version);
  if (group.current) series_ += group.current->series;
}

void Catalog::learn(Version& version, std::uint32_t slot) {
  const std::uint32_t before = version.series;
  version.learn(slot);
  if (version.series == before) return;
  ++learned_;
  const auto group = groups_.find(version.group);
  if (group != groups_.end() && group->second->current.get() == &version) ++series_;
}

Version& Catalog::open(Group& group, const LabelSet& labels, const std::string& family) {
  const auto suitable = [&](const Version& v) {
    return v.labels == labels && v.layout->family == family;
  };
  if (!group.current || !suitable(*group.current)) {
    const auto known = std::find_if(group.versions.rbegin(), group.versions.rend(),
                                    [&](const auto& v) { return suitable(*v); });
    if (known != group.versions.rend()) {
      set_current(group, *known);
    } else {
      std::shared_ptr<Layout> layout;
      for (const auto& candidate : families_[family]) {
        if (!layout || candidate->users > layout->users) layout = candidate;
      }
      set_current(group, make_version(group, labels, layout ? layout : make_layout(family)));
    }
  }
  Version& version = *group.current;
  if (!version.live) begin_live(version);
  version.live->grow(version.known.size());
  return version;
}

Version& Catalog::open_anew(Group& group, const LabelSet& labels, const std::string& family) {
  set_current(group, make_version(group, labels, make_layout(family)));
  begin_live(*group.current);
  return *group.current;
}

std::optional<std::uint32_t> Catalog::find(const Group& group,
                                           std::span<const series::LabelView> own) {
  const Version& version = *group.current;
  const auto slot = version.layout->index.find(own);
  if (slot && version.knows(*slot) && version.live && *slot < version.live->newest.size())
    return slot;
  return std::nullopt;
}

std::uint32_t Catalog::join(Group& group, std::span<const series::LabelView> own) {
  const Version* version = group.current.get();
  const auto there = version->layout->index.find(own);
  const std::uint32_t wanted = there ? *there : version->layout->index.size();
  const bool mine = version->layout->users == 1;
  if (!mine && !version->knows(wanted) && !suits(wanted, version->series)) {
    fork(group);
    version = group.current.get();
  }
  std::uint32_t slot = 0;
  {
    const std::unique_lock lock(version->layout->mutex);
    slot = version->layout->index.add(own);
  }
  learn(*group.current, slot);
  group.current->live->grow(slot + 1);
  return slot;
}

// A layout of the group's own: the slots it could have given out, and what is newest in them.
void Catalog::fork(Group& group) {
  const std::shared_ptr<Version> old = group.current;
  std::shared_ptr<Layout> layout = make_layout(old->layout->family);
  const auto slots = static_cast<std::uint32_t>(old->live->newest.size());
  std::vector<series::LabelView> own;
  for (std::uint32_t slot = 0; slot < slots; ++slot) {
    own.clear();
    const series::SymbolTable& symbols = old->layout->index.symbols();
    for (const auto& ref : old->layout->index.refs(slot))
      own.push_back({symbols.text(ref.name), symbols.text(ref.value)});
    layout->index.add(own);
  }
  auto fresh = make_version(group, old->labels, std::move(layout));
  fresh->known = old->known;
  fresh->series = old->series;
  begin_live(*fresh);
  // What is newest so far is the old version's.
  fresh->live->vague_until = group.newest == INT64_MAX ? INT64_MAX : group.newest + 1;
  fresh->live->head.grow(slots);
  fresh->live->newest = old->live->newest;
  fresh->live->newest_bits = old->live->newest_bits;
  fresh->live->newest_histogram = old->live->newest_histogram;
  set_current(group, std::move(fresh));
}

std::shared_ptr<Layout> Catalog::layout_from(const LayoutFrame& frame) {
  const auto known = layouts_.find(frame.id);
  if (known != layouts_.end()) {
    const std::unique_lock lock(known->second->mutex);
    if (frame.join(known->second->index)) return known->second;
  }
  if (frame.first != 0) return nullptr;
  auto layout = std::make_shared<Layout>();
  layout->id = frame.id;
  layout->family = frame.family;
  if (!frame.join(layout->index)) return nullptr;
  if (known != layouts_.end()) {
    // An id given twice: damage hid the first from the second.
    const auto same = make_layout(frame.family);
    layout->id = same->id;
    families_[frame.family].pop_back();
  }
  layouts_[layout->id] = layout;
  families_[frame.family].push_back(layout);
  return layout;
}

std::shared_ptr<Version> Catalog::version_from(const GroupFrame& frame,
                                               std::shared_ptr<Layout> layout) {
  Group& owner = group(frame.group);
  for (const auto& version : owner.versions) {
    if (version->layout == layout && version->labels == frame.labels) return version;
  }
  return make_version(owner, frame.labels, std::move(layout));
}

void Catalog::resume() {
  for (const auto& [name, group] : groups_) {
    for (const std::shared_ptr<Version>& version : group->versions) {
      if (version->live) set_current(*group, version);
    }
  }
}

// Of the layouts in which a series carries a value the matcher asks for as a label of its own.
VersionIndex::Lists Catalog::carriers(const Matcher& matcher) const {
  const std::vector<bool> base_differs{false};
  VersionIndex::Lists out;
  for (const auto& [id, layout] : layouts_) {
    if (layout->index.estimate({&matcher, 1}, base_differs) == 0) continue;
    const VersionIndex::Versions& list = by_label_.of(*layout);
    if (list.empty()) continue;
    out.lists.push_back(&list);
    out.versions += list.size();
  }
  return out;
}

std::optional<Catalog::Narrowed> Catalog::narrow(std::span<const Matcher> matchers) const {
  std::optional<Narrowed> best;
  for (const Matcher& matcher : matchers) {
    std::optional<VersionIndex::Lists> targets = by_label_.find(matcher);
    if (!targets || (best && targets->versions >= best->versions())) continue;
    Narrowed some{&matcher, *std::move(targets), carriers(matcher)};
    if (!best || some.versions() < best->versions()) best = std::move(some);
  }
  return best;
}

void Catalog::tidy() {
  std::vector<std::shared_ptr<Version>> left;
  for (const auto& [name, group] : groups_) {
    // What nobody writes to any more keeps no memory for it.
    if (!group->has_writer && group->current && group->current->live &&
        !group->current->live->holds_rows()) {
      set_current(*group, nullptr);
    }
    for (const std::shared_ptr<Version>& version : group->versions) {
      if (version == group->current) continue;
      if (version->live && !version->live->holds_rows()) version->live.reset();
      if (!version->live && !version->has_pages()) left.push_back(version);
    }
  }
  if (!left.empty()) ++changes_;
  by_label_.remove(left);  // nothing fails from here on
  for (const std::shared_ptr<Version>& version : left) {
    std::erase(groups_.find(version->group)->second->versions, version);
    --version->layout->users;
  }
  left.clear();
  std::erase_if(groups_, [](const auto& entry) {
    return entry.second->versions.empty() && !entry.second->has_writer;
  });
  std::erase_if(layouts_, [&](const auto& entry) {
    if (entry.second->users != 0) return false;
    const auto family = families_.find(entry.second->family);
    std::erase(family->second, entry.second);
    if (family->second.empty()) families_.erase(family);
    return true;
  });
}

std::size_t Catalog::layout_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [id, layout] : layouts_) bytes += sizeof(Layout) + layout->index.bytes();
  return bytes;
}

}  // namespace nines::storage
