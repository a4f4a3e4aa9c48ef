#pragma once
// All groups and layouts, and the rules by which groups share a layout.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/metrics/internal/definitions.h"
#include "storage/metrics/internal/group.h"
#include "storage/metrics/internal/version_index.h"

namespace nines::storage {

// One thread at a time.
class Catalog {
 public:
  // `seed`: another one in each life, so that ids of layouts are not given twice.
  void seed(std::uint64_t seed) { seed_ = seed; }

  Group& group(const std::string& name);  // made when there is none
  const std::map<std::string, std::unique_ptr<Group>>& groups() const { return groups_; }
  // The version with these labels that the group goes on with: its newest of them, or a new one
  // with the layout that most groups of the family have.
  Version& open(Group& group, const LabelSet& labels, const std::string& family);
  // A new version with a layout of its own, without any series.
  Version& open_anew(Group& group, const LabelSet& labels, const std::string& family);

  // The slot of a series in the current version, if it is one of the group's. None: `join` it.
  static std::optional<std::uint32_t> find(const Group& group,
                                           std::span<const series::LabelView> own);
  // Makes the series one of the current version's. When the shared layout does not suit the group
  // any more it goes on with a new version, in which all its slots keep their numbers.
  std::uint32_t join(Group& group, std::span<const series::LabelView> own);
  std::uint64_t series() const { return series_; }  // of current versions
  void learn(Version& version, std::uint32_t slot);
  // The version gets open samples, or a writer.
  void begin_live(Version& version);
  // Another number whenever a version came, went or began to be written to.
  std::uint64_t changes() const { return changes_; }
  // Another number whenever a version learned a slot, too; Version::series then tells which.
  std::uint64_t learned() const { return learned_; }

  // --- reading back ---

  // The layout that a frame defines or adds to; another one than its id says when that one has
  // other series. Null: pieces before it are missing.
  std::shared_ptr<Layout> layout_from(const LayoutFrame& frame);
  std::shared_ptr<Version> version_from(const GroupFrame& frame, std::shared_ptr<Layout> layout);

  // When all is read back: groups whose journal was replayed go on with their newest version.
  void resume();

  // Drops versions, groups and layouts that hold nothing and that nobody writes to.
  void tidy();
  // Every version with a series all matchers may match: those whose target has a value that `by`
  // asks for, and, of the layouts in which a series carries such a value itself, the others. None:
  // the matchers do not say which, so all of `groups()` are meant.
  struct Narrowed {
    const Matcher* by = nullptr;
    VersionIndex::Lists targets;
    VersionIndex::Lists carriers;  // of layouts; some of their versions are in `targets`, too
    std::size_t versions() const { return targets.versions + carriers.versions; }  // at most
  };
  std::optional<Narrowed> narrow(std::span<const Matcher> matchers) const;
  std::size_t layouts() const { return layouts_.size(); }
  std::size_t layout_bytes() const;  // of memory

 private:
  std::shared_ptr<Layout> make_layout(const std::string& family);
  std::shared_ptr<Version> make_version(Group& group, const LabelSet& labels,
                                        std::shared_ptr<Layout> layout);
  void set_current(Group& group, std::shared_ptr<Version> version);
  VersionIndex::Lists carriers(const Matcher& matcher) const;
  void fork(Group& group);

  std::map<std::string, std::unique_ptr<Group>> groups_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Layout>> layouts_;  // by id
  std::map<std::string, std::vector<std::shared_ptr<Layout>>, std::less<>> families_;
  VersionIndex by_label_;
  std::uint64_t seed_ = 0;
  std::uint64_t made_ = 0;  // layouts in this life
  std::uint64_t series_ = 0;
  std::uint64_t changes_ = 0;
  std::uint64_t learned_ = 0;
  std::uint32_t last_tag_ = 0;
};

}  // namespace nines::storage
