// The state machine alone: what the result was at each instant, and what must come of it.

#include "rules/alerts/internal/alert_book.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace nines;
using namespace nines::alerts;

namespace {

constexpr Duration kSecond{1'000};
constexpr Timestamp kStart = from_millis(1'700'000'000'000);
Timestamp at(int seconds) {
  return kStart + seconds * kSecond;
}

LabelSet labels(const std::string& instance) {
  return {{"alertname", "Down"}, {"instance", instance}};
}

BookSettings settings(int hold_s, int keep_s = 0) {
  BookSettings out;
  out.rule = "f;g;Down";
  out.hold = hold_s * kSecond;
  out.keep_firing_for = keep_s * kSecond;
  out.restore_grace = 60 * kSecond;
  return out;
}

// Evaluates with these instances in the result, gives the changes as "event instance".
std::string step(AlertBook& book, int seconds, const std::vector<std::string>& instances,
                 double value = 1) {
  std::vector<AlertBook::Element> result;
  for (const auto& instance : instances) result.push_back({labels(instance), {}, value});
  std::vector<AlertChange> changes;
  const auto done = book.evaluate(std::move(result), at(seconds), changes);
  std::string out = done ? "" : "error ";
  for (const AlertChange& change : changes) {
    const char* names[] = {"pending",  "firing", "resolved", "neverfired",
                           "flapping", "steady", "dropped"};
    out += std::string(names[static_cast<int>(change.event)]) + " " +
           std::string(change.alert.labels.get("instance")) + " ";
  }
  return out;
}

AlertBook reborn(const AlertBook& book, const BookSettings& with) {
  AlertBook out(with);
  out.restore(book.stored());
  return out;
}

}  // namespace

TEST_CASE("without `for` an alert fires at once") {
  AlertBook book(settings(0));
  CHECK(step(book, 0, {"a"}) == "firing a ");
  REQUIRE(book.active().size() == 1);
  CHECK(book.active()[0].active_at == at(0));
  CHECK(book.active()[0].fired_at == at(0));
  CHECK(book.active()[0].rule == "f;g;Down");
}

TEST_CASE("an alert is pending until its condition has held for `for`, to the very millisecond") {
  AlertBook book(settings(30));
  CHECK(step(book, 0, {"a"}) == "pending a ");
  CHECK(step(book, 15, {"a"}).empty());
  CHECK(book.to_tell().empty());
  std::vector<AlertChange> changes;
  REQUIRE(book.evaluate({{labels("a"), {}, 1}}, at(30) - Duration(1), changes));
  CHECK(changes.empty());
  CHECK(step(book, 30, {"a"}) == "firing a ");
  CHECK(book.active()[0].active_at == at(0));
  CHECK(book.active()[0].fired_at == at(30));
}

TEST_CASE("a condition that goes away while pending never fires, and begins anew when it returns") {
  AlertBook book(settings(30));
  step(book, 0, {"a"});
  CHECK(step(book, 15, {}) == "neverfired a ");
  CHECK(book.stored().empty());
  CHECK(step(book, 30, {"a"}) == "pending a ");
  CHECK(step(book, 45, {"a"}).empty());
  CHECK(step(book, 60, {"a"}) == "firing a ");
}

TEST_CASE("a resolved alert is told for fifteen minutes and not a moment longer") {
  AlertBook book(settings(0));
  step(book, 0, {"a"});
  CHECK(step(book, 15, {}) == "resolved a ");
  CHECK(book.active().empty());
  REQUIRE(book.to_tell().size() == 1);
  CHECK(book.to_tell()[0].state == AlertState::kInactive);
  CHECK(book.to_tell()[0].resolved_at == at(15));
  CHECK(book.to_tell()[0].fired_at == at(0));
  step(book, 15 + 900, {});
  CHECK(book.to_tell().size() == 1);
  CHECK(step(book, 15 + 901, {}).empty());
  CHECK(book.to_tell().empty());
}

TEST_CASE("an alert that returns after it resolved is another episode") {
  AlertBook book(settings(0));
  step(book, 0, {"a"});
  const std::string first = book.active()[0].episode();
  step(book, 15, {});
  CHECK(step(book, 30, {"a"}) == "firing a ");
  REQUIRE(book.to_tell().size() == 1);
  CHECK(book.to_tell()[0].state == AlertState::kFiring);
  CHECK(book.to_tell()[0].resolved_at == Timestamp{});
  CHECK(book.active()[0].episode() != first);
}

TEST_CASE("keep_firing_for holds a firing alert, and a return starts its clock again") {
  AlertBook book(settings(0, 30));
  step(book, 0, {"a"});
  CHECK(step(book, 15, {}).empty());
  CHECK(step(book, 30, {}).empty());
  CHECK(step(book, 35, {"a"}).empty());
  CHECK(step(book, 45, {}).empty());
  CHECK(step(book, 74, {}).empty());
  CHECK(step(book, 75, {}) == "resolved a ");
}

TEST_CASE("a pending alert is not kept by keep_firing_for") {
  AlertBook book(settings(60, 30));
  step(book, 0, {"a"});
  CHECK(step(book, 15, {}) == "neverfired a ");
}

TEST_CASE("value and annotations are those of the newest result") {
  AlertBook book(settings(0));
  step(book, 0, {"a"}, 1);
  std::vector<AlertChange> changes;
  REQUIRE(book.evaluate({{labels("a"), {{"summary", "new"}}, 2}}, at(15), changes));
  CHECK(book.active()[0].value == 2);
  CHECK(book.active()[0].annotations.get("summary") == "new");
}

TEST_CASE("two results with equal labels are an error that changes nothing") {
  AlertBook book(settings(0));
  step(book, 0, {"a"});
  CHECK(step(book, 15, {"b", "b"}) == "error ");
  REQUIRE(book.active().size() == 1);
  CHECK(book.active()[0].labels == labels("a"));
}

TEST_CASE("a rule at its limit goes on, above it forgets all its alerts") {
  BookSettings with = settings(0);
  with.limit = 2;
  AlertBook book(with);
  CHECK(step(book, 0, {"a", "b"}) == "firing a firing b ");
  CHECK(step(book, 15, {"a", "b", "c"}) == "error dropped a dropped b ");
  CHECK(book.active().empty());
  CHECK(book.stored().empty());
}

TEST_CASE("only changes of state need saving, not a new value") {
  AlertBook book(settings(30, 30));
  CHECK_FALSE(book.unsaved());
  const auto saved = [&] {
    const bool was = book.unsaved();
    book.mark_saved();
    return was;
  };
  step(book, 0, {"a"}, 1);
  CHECK(saved());
  step(book, 15, {"a"}, 2);
  CHECK_FALSE(saved());
  step(book, 30, {"a"}, 3);  // fires
  CHECK(saved());
  step(book, 45, {});  // kept
  CHECK(saved());
  step(book, 50, {});
  CHECK_FALSE(saved());
  step(book, 75, {});  // resolves
  CHECK(saved());
  step(book, 80, {});
  CHECK_FALSE(saved());
  step(book, 75 + 901, {});  // is forgotten
  CHECK(saved());
}

TEST_CASE("a pending alert keeps its beginning over a restart") {
  AlertBook before(settings(60));
  step(before, 0, {"a"});
  AlertBook after = reborn(before, settings(60));
  CHECK(step(after, 45, {"a"}).empty());
  CHECK(after.active()[0].active_at == at(0));
  CHECK(step(after, 60, {"a"}) == "firing a ");
}

TEST_CASE("a firing alert keeps its times over a restart, and is not fired again") {
  AlertBook before(settings(15));
  step(before, 0, {"a"});
  step(before, 15, {"a"});
  const std::string episode = before.active()[0].episode();
  AlertBook after = reborn(before, settings(15));
  REQUIRE(after.to_tell().size() == 1);
  CHECK(step(after, 300, {"a"}).empty());
  CHECK(after.active()[0].fired_at == at(15));
  CHECK(after.active()[0].episode() == episode);
  CHECK(step(after, 315, {}) == "resolved a ");  // it was seen: no grace any more
}

TEST_CASE("an empty result right after a restart does not resolve, until the grace is over") {
  AlertBook before(settings(0));
  step(before, 0, {"a"});
  AlertBook after = reborn(before, settings(0));
  CHECK(step(after, 600, {}).empty());
  CHECK(after.to_tell()[0].state == AlertState::kFiring);
  CHECK(step(after, 659, {}).empty());
  CHECK(step(after, 660, {}) == "resolved a ");
}

TEST_CASE("a pending alert held over a restart does not begin to fire unseen") {
  AlertBook before(settings(30));
  step(before, 0, {"a"});
  AlertBook after = reborn(before, settings(30));
  CHECK(step(after, 600, {}).empty());
  CHECK(after.active()[0].state == AlertState::kPending);
  CHECK(step(after, 660, {}) == "neverfired a ");
}

TEST_CASE("an alert that is new after the restart has no grace") {
  AlertBook before(settings(0));
  step(before, 0, {"a"});
  AlertBook after = reborn(before, settings(0));
  CHECK(step(after, 600, {"a", "b"}) == "firing b ");
  CHECK(step(after, 615, {"a"}) == "resolved b ");
}

TEST_CASE("a resolved alert is told on after a restart, until its fifteen minutes are over") {
  AlertBook before(settings(0));
  step(before, 0, {"a"});
  step(before, 15, {});
  AlertBook after = reborn(before, settings(0));
  CHECK(step(after, 600, {}).empty());
  REQUIRE(after.to_tell().size() == 1);
  CHECK(after.to_tell()[0].resolved_at == at(15));
  step(after, 15 + 901, {});
  CHECK(after.to_tell().empty());
}

TEST_CASE("keep_firing_for goes on counting over a restart") {
  AlertBook before(settings(0, 300));
  step(before, 0, {"a"});
  step(before, 15, {});
  AlertBook after = reborn(before, settings(0, 300));
  CHECK(step(after, 240, {}).empty());
  CHECK(step(after, 314, {}).empty());
  CHECK(step(after, 315, {}) == "resolved a ");
}

TEST_CASE("the state machine works at the very beginning of time") {
  AlertBook book(settings(10));
  std::vector<AlertChange> changes;
  REQUIRE(book.evaluate({{labels("a"), {}, 1}}, Timestamp{}, changes));
  REQUIRE(book.evaluate({{labels("a"), {}, 1}}, Timestamp{} + Duration(10'000), changes));
  REQUIRE(changes.size() == 2);
  CHECK(changes[1].event == AlertEvent::kFiring);
}

TEST_CASE("what flap detection knows survives restarts: the story is the same with and without") {
  BookSettings with = settings(0);
  with.flap_detection.emplace();
  with.restore_grace = Duration::zero();
  std::uint64_t dice = 7;
  AlertBook whole(with);
  AlertBook cut(with);
  std::vector<storage::StoredAlert> disk;
  int flaps = 0;
  for (int i = 0; i < 600; ++i) {
    dice = dice * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    const bool restless = (i / 60) % 2 == 0;  // a minute of unrest, a minute of calm
    const bool there = restless ? (dice >> 60) % 2 == 0 : (i / 120) % 2 == 0;
    const std::vector<std::string> result =
        there ? std::vector<std::string>{"a"} : std::vector<std::string>{};
    const std::string expected = step(whole, i * 15, result);
    CHECK(step(cut, i * 15, result) == expected);
    flaps += expected.find("flapping") != std::string::npos ? 1 : 0;
    if (cut.unsaved()) disk = cut.stored();
    cut.mark_saved();
    if ((dice >> 40) % 3 == 0) {
      cut = AlertBook(with);
      cut.restore(disk);
    }
  }
  CHECK(flaps >= 3);
}

TEST_CASE("a gap in the data right after a restart is no change of the condition") {
  BookSettings with = settings(0);
  with.flap_detection.emplace();
  AlertBook before(with);
  for (int i = 0; i <= 8; ++i)
    step(before, i * 15, i % 2 == 0 ? std::vector<std::string>{"a"} : std::vector<std::string>{});
  const std::uint32_t changes = before.stored()[0].flaps & 0xFFFFF;
  CHECK(changes == 0xFF);
  AlertBook after = reborn(before, with);
  for (int i = 0; i < 3; ++i) step(after, 200 + i * 15, {});
  CHECK((after.stored()[0].flaps & 0xFFFFF) == changes);
  step(after, 245, {"a"});
  CHECK((after.stored()[0].flaps & 0xFFFFF) == changes << 1);
}
