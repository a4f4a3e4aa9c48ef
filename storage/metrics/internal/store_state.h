#pragma once
// What the metric store holds in memory. One mutex guards all of it (see store_impl.h).

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/model/labels.h"
#include "storage/metrics/internal/page.h"
#include "storage/metrics/internal/rows_codec.h"
#include "storage/ring/ring.h"
#include "storage/series/series_index.h"

namespace nines::storage {

struct PageRef {
  ring::Location location{};
  ring::TimeBounds times{};
};

struct Group;

// A list of series by slot, and the pages whose columns it names.
struct Layout {
  std::vector<std::uint32_t> ids;  // series numbers by slot
  std::vector<PageRef> pages;      // in order of writing
  Group* owner = nullptr;  // the group that goes on with it; null for layouts of an earlier life
};

struct Group {
  std::string name;
  bool has_writer = false;
  Layout* layout = nullptr;
  std::unordered_map<LabelSet, std::uint32_t> slots;
  OpenColumns open;                  // by slot: points not in a page yet, ascending by time
  std::vector<std::int64_t> newest;  // by slot: time of the newest sample ever accepted
  std::vector<std::uint64_t> newest_bits;
  std::int64_t newest_any = INT64_MIN;
  std::uint32_t open_rows = 0;
  std::int64_t open_since_ms = 0;  // clock at the first open row
  RowsState rows;
  std::uint64_t journal_epoch = 0;  // of the last definition; another one: define anew
  std::uint32_t defined_slots = 0;
  std::uint32_t tag = 0;                // in journal frames
  std::uint64_t oldest_generation = 0;  // of the journal segment with its first open row; 0: none
  std::uint64_t last_sequence = 0;      // of its last journal frame
  std::uint64_t layout_generation = 0;  // raw segment in which its layout was written last
  std::uint32_t layout_slots = 0;       // and how much of it
  std::uint32_t footer_layout = 0;      // its place in that segment's footer
};

struct StoreState {
  series::SeriesIndex index;
  std::vector<std::vector<std::pair<Layout*, std::uint32_t>>>
      places;  // by series: where it has columns
  std::vector<std::unique_ptr<Layout>> layouts;
  std::unordered_map<std::string, Layout*> by_content;  // of layouts read back: equal content is one layout
  std::map<std::string, std::unique_ptr<Group>> groups;

  std::uint32_t add_series(const LabelSet& labels) {
    const std::uint32_t id = index.add(labels);
    if (id >= places.size()) places.resize(id + 1);
    return id;
  }
  Layout* add_layout() { return layouts.emplace_back(std::make_unique<Layout>()).get(); }
  void extend(Layout& layout, std::uint32_t id) {
    places[id].emplace_back(&layout, static_cast<std::uint32_t>(layout.ids.size()));
    layout.ids.push_back(id);
  }
};

}  // namespace nines::storage
