// `nines verify` and `nines storage list`: what lies in a data folder, byte by byte.
#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/ask.h"
#include "app/cli/internal/storage_verbs.h"
#include "app/server/application.h"
#include "base/text/numbers.h"
#include "storage/offline/backup.h"
#include "storage/offline/verify.h"

namespace nines::app {
namespace {

using storage::ring::CheckedSegment;
using storage::ring::SegmentClass;
using storage::ring::SegmentState;

Timestamp time_of(SegmentClass cls, std::int64_t t) {
  const bool nanos = cls == SegmentClass::kLogs || cls == SegmentClass::kLogJournal;
  return from_millis(nanos ? t / 1'000'000 : t);
}

struct Checked {
  storage::FolderCheck check;
  std::string path;
  bool live = false;
};

// Checks the whole folder; says on stderr when a running nines holds it.
Result<Checked> check(const StorageOptions& options) {
  Checked out;
  out.path = options.data.empty() ? default_data_path() : options.data;
  const auto fs = make_posix_fs();
  const storage::FolderHold hold = storage::hold_folder(*fs, out.path);
  out.live = !hold.holder.empty();
  if (out.live) {
    fmt::print(stderr,
               "nines: {}: a running nines writes here; shown is what is on disk now (what it has "
               "not finished is left out)\n",
               hold.holder);
  }
  NINES_TRY(out.check, storage::check_folder(*fs, out.path, out.live));
  return out;
}

void write_damage(JsonWriter& json, const storage::FolderCheck& check) {
  json.key("damage").begin_array();
  for (const storage::ring::Damage& damage : check.ring.damage) {
    json.begin_object().field("file", damage.file).field("offset", damage.offset);
    if (damage.cls) json.field("class", storage::ring::to_string(*damage.cls));
    json.field("what", damage.what).end_object();
  }
  for (const std::string& problem : check.state_problems) {
    json.begin_object().field("file", "state.db").field("what", problem).end_object();
  }
  json.end_array();
}

void print_damage(const storage::FolderCheck& check) {
  for (const storage::ring::Damage& damage : check.ring.damage) {
    fmt::print("{} at {}{}: {}\n", damage.file, damage.offset,
               damage.cls ? fmt::format(" ({})", storage::ring::to_string(*damage.cls)) : "",
               damage.what);
  }
  for (const std::string& problem : check.state_problems) fmt::print("state.db: {}\n", problem);
}

std::string sequence_text(std::uint64_t sequence) {
  return fmt::format("{}/{}", sequence >> 32, sequence & UINT32_MAX);
}

void print_json(const Checked& checked) {
  const storage::ring::RingCheck& ring = checked.check.ring;
  JsonWriter json;
  json.begin_object()
      .field("path", checked.path)
      .field("uuid", ring.uuid)
      .field("in_use", checked.live)
      .field("segment_bytes", std::uint64_t{ring.segment_bytes});
  json.key("segments").begin_array();
  for (const CheckedSegment& s : ring.segments) {
    json.begin_object()
        .field("segment", storage::ring::segment_name(s.segment))
        .field("state", storage::ring::to_string(s.state))
        .field("damaged", s.damaged);
    if (s.state != SegmentState::kFree) {
      json.field("class", storage::ring::to_string(s.cls))
          .field("generation", s.generation)
          .field("first_sequence", s.first_sequence)
          .field("last_sequence", s.last_sequence)
          .field("frames", s.frames)
          .field("bytes_used", s.bytes_used);
      if (!s.times.empty()) {
        json.field("oldest", format_time(time_of(s.cls, s.times.min)))
            .field("newest", format_time(time_of(s.cls, s.times.max)));
      }
    }
    json.end_object();
  }
  json.end_array();
  write_damage(json, checked.check);
  json.end_object();
  fmt::print("{}\n", json.str());
}

}  // namespace

int storage_list(const StorageOptions& options) {
  const Result<Checked> checked = check(options);
  if (!checked) {
    fmt::print(stderr, "nines: {}\n", checked.error().what());
    return kExitFailure;
  }
  if (options.json) {
    print_json(*checked);
    return kExitOk;
  }
  std::vector<Row> rows;
  std::size_t free_segments = 0;
  for (const CheckedSegment& s : checked->check.ring.segments) {
    if (s.state == SegmentState::kFree && s.damaged == 0) {
      ++free_segments;
      continue;
    }
    const auto time = [&](std::int64_t t) {
      return s.times.empty() ? std::string("-") : format_time(time_of(s.cls, t));
    };
    rows.push_back({storage::ring::segment_name(s.segment),
                    s.state == SegmentState::kFree ? "-"
                                                   : std::string(storage::ring::to_string(s.cls)),
                    std::string(storage::ring::to_string(s.state)),
                    s.frames == 0 ? "-" : sequence_text(s.first_sequence),
                    s.frames == 0 ? "-" : sequence_text(s.last_sequence), time(s.times.min),
                    time(s.times.max), std::to_string(s.frames), format_bytes(s.bytes_used),
                    s.damaged == 0 ? "none" : fmt::format("{} places", s.damaged)});
  }
  print_rows({}, {"SEGMENT", "CLASS", "STATE", "FIRST", "LAST", "OLDEST", "NEWEST", "FRAMES", "USED",
                  "DAMAGE"},
             rows);
  fmt::print("{} segments of {}, {} of them free\n", checked->check.ring.segments.size(),
             format_bytes(checked->check.ring.segment_bytes), free_segments);
  print_damage(checked->check);
  return kExitOk;
}

int verify_storage(const StorageOptions& options) {
  if (const auto fs = make_posix_fs(); !options.data.empty() && storage::is_backup(*fs, options.data))
    return verify_backup(options);
  const Result<Checked> checked = check(options);
  if (!checked) {
    fmt::print(stderr, "nines: {}\n", checked.error().what());
    return kExitFailure;
  }
  const storage::FolderCheck& found = checked->check;
  if (options.json) {
    JsonWriter json;
    json.begin_object()
        .field("path", checked->path)
        .field("in_use", checked->live)
        .field("pages", found.pages)
        .field("frames", found.ring.frames)
        .field("blocks", found.blocks)
        .field("damaged", found.damaged());
    write_damage(json, found);
    json.end_object();
    fmt::print("{}\n", json.str());
  } else {
    print_damage(found);
    fmt::print("{} pages, {} frames, {} blocks checked, {} damaged\n", found.pages,
               found.ring.frames, found.blocks, found.damaged());
  }
  return found.damaged() == 0 ? kExitOk : kExitFailure;
}

}  // namespace nines::app
