// What a page says does not depend on the way it is read: line by line without any guess, many
// lines at once because the last page had them, or through the grammar alone.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "collector/exposition/parser.h"
#include "collector/scrape/internal/series_cache.h"

namespace nines::collector {
namespace {

struct Seen {
  std::string series;
  std::uint64_t bits = 0;
  std::optional<std::int64_t> time_ms;
  bool operator==(const Seen&) const = default;
};

struct Reader : ExpositionVisitor {
  Result<void> on_sample(const ExposedSample& s) override {
    seen.push_back({std::string(s.series), std::bit_cast<std::uint64_t>(s.value), s.time_ms});
    return {};
  }
  std::vector<Seen> seen;
};

// As a scrape does it, with one cache from page to page.
struct CachedReader final : Reader {
  Result<void> on_sample(const ExposedSample& s) override {
    std::optional<SeriesCache::Place> place =
        s.as_expected ? cache.expected_place() : cache.find(s.series);
    if (!place) place = cache.add(s.series);
    cache.use(*place, s);
    return Reader::on_sample(s);
  }
  ExpectedSample expected() const override { return cache.expected(); }
  ExpectedLines expected_lines() const override { return cache.expected_lines(); }
  Result<void> on_expected(std::span<const double> values, bool) override {
    SeriesCache::Place place = cache.expected_place();
    cache.use_expected(values.size());
    at_once += values.size();
    for (const double value : values) {
      seen.push_back({std::string(cache.text(place++)), std::bit_cast<std::uint64_t>(value), {}});
    }
    return {};
  }
  LineBlocks blocks;
  SeriesCache cache{blocks, "job"};
  std::size_t at_once = 0;
};

struct Line {
  std::string lead, series, value, tail;
};

class Page {
 public:
  // Every third has a time of its own behind most samples.
  explicit Page(std::uint64_t seed) : random_(seed), timed_(seed % 3 == 0) {
    for (int i = 0; i < 60; ++i) lines_.push_back(fresh());
  }
  // What changes between two scrapes, and what hardly ever does.
  void change() {
    for (Line& line : lines_) {
      if (one_in(3)) line.value = value();
      if (one_in(200)) line.tail = one_in(2) ? " 1700000000123" : "";
      if (one_in(200)) line.lead = lead();
    }
    if (one_in(4)) lines_.insert(somewhere(), fresh());
    if (one_in(4) && lines_.size() > 5) lines_.erase(somewhere());
    if (one_in(10)) std::iter_swap(somewhere(), somewhere());
    if (one_in(10)) lines_.insert(somewhere(), lines_[lines_.size() / 2]);  // a series twice
  }
  // `gap` stands between series and value.
  std::string text(std::string_view gap = " ") const {
    std::string out;
    for (const Line& line : lines_) {
      out += line.lead + line.series;
      out += gap;
      out += line.value + line.tail + "\n";
    }
    return out;
  }
  bool one_in(unsigned n) { return random_() % n == 0; }
  std::size_t below(std::size_t n) { return random_() % n; }

 private:
  std::vector<Line>::iterator somewhere() {
    return lines_.begin() + static_cast<std::ptrdiff_t>(below(lines_.size()));
  }
  std::string word() {
    static constexpr std::string_view kBytes = "abcxyzABC_019";
    std::string out(1, "abc_"[below(4)]);
    for (std::size_t n = below(30); n > 0; --n) out += kBytes[below(kBytes.size())];
    return out;
  }
  std::string label_value() {
    static constexpr std::string_view kPieces[] = {"x",   "/var/lib", "\\\"",   "\\\\",
                                                   "\\n", " ",        "{}",     ",",
                                                   "=",   "#",        "\u00e9", "0123456789abcdef"};
    std::string out;
    for (std::size_t n = below(6); n > 0; --n) out += kPieces[below(std::size(kPieces))];
    return out;
  }
  std::string value() {
    switch (below(7)) {
      case 0:
        return std::to_string(below(100));
      case 1:
        return std::to_string(random_());
      case 2:
        return std::to_string(static_cast<double>(below(1'000'000)) / 1000);
      case 3:
        return "1." + std::to_string(random_() >> 8) + "e+0" + std::to_string(below(10));
      case 4:
        return one_in(2) ? "NaN" : "+Inf";
      case 5:
        return "-" + std::to_string(below(1'000'000'000));
      default:
        return "0";
    }
  }
  std::string lead() {
    switch (below(6)) {
      case 0:
        return "# HELP " + word() + " What it is, \\\\ and why.\n";
      case 1:
        return "# HELP a" + word() + " Plain.\n# TYPE a" + word() + " counter\n";
      case 2:
        return "\n# anything\n";
      case 3:
        return "# TYPE " + word() + " gauge\n";
      default:
        return "";
    }
  }
  Line fresh() {
    Line line{lead(), word(), value(), timed_ && !one_in(5) ? " 1700000000" : ""};
    if (one_in(2)) {
      line.series += "{";
      for (std::size_t n = below(4); n > 0; --n) {
        line.series += "l" + word() + (one_in(20) ? " = \"" : "=\"") + label_value() + "\"";
        if (n > 1 || one_in(5)) line.series += one_in(5) ? ", " : ",";
      }
      line.series += "}";
    }
    return line;
  }
  std::mt19937_64 random_;
  const bool timed_;
  std::vector<Line> lines_;
};

// The page must be read the same in each way.
template <typename Other>
void check_same(Other& other, std::string_view body, std::string_view same_body) {
  Reader plain;
  const Result<void> wanted = parse_exposition(body, ExpositionFormat::kText004, plain);
  other.seen.clear();
  const Result<void> got = parse_exposition(same_body, ExpositionFormat::kText004, other);
  REQUIRE(got.has_value() == wanted.has_value());
  if (!got && body == same_body) CHECK(got.error().what() == wanted.error().what());
  REQUIRE(other.seen.size() == plain.seen.size());
  CHECK(other.seen == plain.seen);
}

TEST_CASE("pages that change a little each time are read the same with the last one in mind") {
  std::size_t samples = 0;
  std::size_t at_once = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    Page page(seed);
    CachedReader cached;
    for (int scrape = 0; scrape < 20; ++scrape) {
      std::string body = page.text();
      // Some break off, or have a byte that does not belong there.
      if (page.one_in(10)) body.resize(page.below(body.size()));
      if (page.one_in(10) && !body.empty())
        body[page.below(body.size())] = "\"\\{\n# x"[page.below(7)];
      cached.cache.begin();
      check_same(cached, body, body);
      if (Reader again; parse_exposition(body, ExpositionFormat::kText004, again)) {
        cached.cache.commit();
      }
      samples += cached.seen.size();
      page.change();
    }
    at_once += cached.at_once;
  }
  CHECK(at_once > samples / 3);  // and the quick way is the one that was tried
}

TEST_CASE("a page is read the same line by line in one pass and by the grammar") {
  for (std::uint64_t seed = 100; seed < 200; ++seed) {
    CAPTURE(seed);
    Page page(seed);
    Reader slow;
    check_same(slow, page.text(), page.text("  "));  // two blanks are the grammar's matter
    check_same(slow, page.text(), page.text("\t"));
  }
}

}  // namespace
}  // namespace nines::collector
