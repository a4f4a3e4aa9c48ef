#pragma once
// The alerts of one rule and their states: inactive, pending, firing, as Prometheus moves them.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "rules/alerts/alert.h"
#include "rules/alerts/config.h"
#include "storage/api/alert_state.h"

namespace nines::alerts {

struct BookSettings {
  // Copied into each alert.
  std::string rule;  // its key
  std::string generator_url;
  Duration valid_for{0};

  Duration hold{0};  // `for`
  Duration keep_firing_for{0};
  std::size_t limit = 0;  // active alerts; 0: none
  Duration resolved_retention{900'000};
  Duration restore_grace{0};  // see ManagerOptions
  std::optional<FlapDetection> flap_detection;
};

// What happened to an alert in one evaluation.
enum class AlertEvent : std::uint8_t {
  kPending,     // new, waits for `for`
  kFiring,      // fires from now on
  kResolved,    // fired, and has ended
  kNeverFired,  // was pending, and has ended
  kFlapping,    // its condition comes and goes: held from now on
  kSteady,      // flaps no more
  kDropped,     // forgotten with all others, because the rule exceeded its limit
};
struct AlertChange {
  AlertEvent event;
  Alert alert;  // as it stands after the change
};

// Knows no store and no clock: a pure state machine. One thread at a time.
class AlertBook {
 public:
  explicit AlertBook(BookSettings settings) : settings_(std::move(settings)) {}

  // Takes over the alerts of the rule that this one replaces.
  void adopt(AlertBook& old);

  // One element of the expression's result.
  struct Element {
    LabelSet labels;  // with alertname, after templates
    LabelSet annotations;
    double value = 0;
  };

  // Moves every alert to what it is at `now`, given the whole result. The changes are in order of
  // labels, an alert that is new and fires at once has only kFiring. kInvalid when two elements
  // have the same labels: then nothing changes. kLimit when more than `limit` alerts are active:
  // then all are forgotten, and `changes` says so. With `resolving`, a firing alert that is not in
  // the result ends only if it has all labels of one of these sets.
  Result<void> evaluate(std::vector<Element> result, Timestamp now,
                        std::vector<AlertChange>& changes,
                        const std::vector<LabelSet>* resolving = nullptr);

  // Ends every alert at `now`, because its rule has gone.
  std::vector<AlertChange> end_all(Timestamp now);

  std::vector<Alert> active() const;   // pending and firing
  std::vector<Alert> to_tell() const;  // firing, and resolved within the retention
  AlertState state() const;            // the highest

  // True when what must survive a restart differs from what was last marked as saved.
  bool unsaved() const { return unsaved_; }
  void mark_saved() { unsaved_ = false; }
  std::vector<storage::StoredAlert> stored() const;
  // Before the first evaluation: what stored() gave in an earlier life.
  void restore(const std::vector<storage::StoredAlert>& alerts);

 private:
  struct Entry {
    Alert alert;
    bool fresh = false;       // made in the evaluation under way
    bool seen = false;        // in the result under evaluation
    std::uint32_t turns = 0;  // bit i: the condition changed i evaluations ago; flap_detection only
    bool was_seen = false;    // in the evaluation before
    bool restored = false;    // not seen in any result since the restart
  };
  void take_in(std::vector<Element> result, Timestamp now);
  void sign(Alert& alert) const;  // what all alerts of the rule have in common
  // False: forget the entry.
  bool advance(Entry& entry, Timestamp now, std::vector<AlertChange>& changes);
  bool advance_absent(Entry& entry, Timestamp now, std::vector<AlertChange>& changes);
  void watch_flaps(Entry& entry, Timestamp now, std::vector<AlertChange>& changes);
  bool may_resolve(const LabelSet& labels) const;
  bool in_grace(Timestamp now) const;

  BookSettings settings_;
  std::map<LabelSet, Entry> entries_;
  std::optional<Timestamp> grace_from_;               // the first evaluation after restore()
  const std::vector<LabelSet>* resolving_ = nullptr;  // of the evaluation under way
  bool awaits_first_evaluation_ = false;
  bool unsaved_ = false;
};

}  // namespace nines::alerts
