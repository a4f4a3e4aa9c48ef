#include "app/cli/internal/line_diff.h"

#include <doctest/doctest.h>

namespace nines::app {
namespace {

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a difference keeps what both have, and says what each has alone") {
  CHECK(line_diff({}, {}).empty());
  CHECK(line_diff({"a"}, {"a"}) == Lines{"  a"});
  CHECK(line_diff({"a", "b", "c"}, {"a", "x", "c"}) == Lines{"  a", "- b", "+ x", "  c"});
  CHECK(line_diff({"a", "b"}, {}) == Lines{"- a", "- b"});
  CHECK(line_diff({}, {"a"}) == Lines{"+ a"});
  CHECK(line_diff({"b", "c", "d"}, {"a", "b", "c", "d"}) == Lines{"+ a", "  b", "  c", "  d"});
  CHECK(line_diff({"a", "b", "a"}, {"b", "a"}) == Lines{"- a", "  b", "  a"});
}

TEST_CASE("lists whose pairs are too many are told one after the other") {
  const Lines left(2'000, "a");
  CHECK(line_diff(left, left).front() == "  a");
  const Lines longer(2'001, "a");
  const Lines apart = line_diff(longer, left);
  CHECK(apart.size() == 4'001);
  CHECK(apart.front() == "- a");
  CHECK(apart.back() == "+ a");
}

}  // namespace nines::app
