#pragma once
// What the metric store holds in memory. One mutex guards all of it (see store_impl.h).

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
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
  SlotRange slots;
};

struct Group;

// A list of series by slot, and the pages whose columns it names.
struct Layout {
  std::uint32_t number = 0;                 // in StoreState::layouts
  std::vector<std::uint32_t> ids;           // series numbers by slot
  std::vector<std::vector<PageRef>> pages;  // by slot / kPageSlots, in order of writing
  Group* owner = nullptr;  // the group that goes on with it; null for layouts of an earlier life

  void add_page(const PageRef& page) {
    const std::uint32_t place = page.slots.first / kPageSlots;
    if (place >= pages.size()) pages.resize(place + 1);
    pages[place].push_back(page);
  }
};

struct Group {
  std::string name;
  bool has_writer = false;
  Layout* layout = nullptr;
  GroupHead head;                    // what is in no page yet
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
  // Where a series has columns: a list through `places`, begun in `first_place`, by series.
  struct Place {
    std::uint32_t layout = 0;
    std::uint32_t slot = 0;
    std::uint32_t next = 0;  // index + 1; 0: the last
  };
  std::vector<Place> places;
  std::vector<std::uint32_t> first_place;  // index + 1; 0: none
  std::vector<std::unique_ptr<Layout>> layouts;
  std::unordered_map<std::string, Layout*>
      by_content;  // of layouts read back: equal content is one layout
  std::map<std::string, std::unique_ptr<Group>> groups;

  std::uint32_t add_series(const LabelSet& labels) {
    const std::uint32_t id = index.add(labels);
    if (id >= first_place.size()) first_place.resize(id + 1);
    return id;
  }
  Layout* add_layout() {
    layouts.push_back(std::make_unique<Layout>());
    layouts.back()->number = static_cast<std::uint32_t>(layouts.size() - 1);
    return layouts.back().get();
  }
  void extend(Layout& layout, std::uint32_t id) {
    places.push_back(
        {layout.number, static_cast<std::uint32_t>(layout.ids.size()), first_place[id]});
    first_place[id] = static_cast<std::uint32_t>(places.size());
    layout.ids.push_back(id);
  }
  // The slot of a series in a layout.
  std::optional<std::uint32_t> slot_in(const Layout& layout, std::uint32_t id) const {
    for (std::uint32_t at = first_place[id]; at != 0; at = places[at - 1].next) {
      if (places[at - 1].layout == layout.number) return places[at - 1].slot;
    }
    return std::nullopt;
  }
  // Calls `visit(layout, slot)` for each place of a series.
  template <typename Visit>
  void each_place(std::uint32_t id, Visit&& visit) const {
    for (std::uint32_t at = first_place[id]; at != 0; at = places[at - 1].next)
      visit(*layouts[places[at - 1].layout], places[at - 1].slot);
  }
  // The group's slot of a series, made when it has none.
  std::uint32_t slot_of(Group& group, std::uint32_t id) {
    if (const auto known = slot_in(*group.layout, id)) return *known;
    const auto slot = static_cast<std::uint32_t>(group.layout->ids.size());
    extend(*group.layout, id);
    group.head.grow(slot + 1);
    group.newest.push_back(INT64_MIN);
    group.newest_bits.push_back(0);
    return slot;
  }
};

}  // namespace nines::storage
