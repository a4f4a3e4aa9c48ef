// The cache expects what came last time, and targets that expose the same share the lines.
#include "collector/scrape/internal/series_cache.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace nines::collector {
namespace {

using Lines = std::vector<std::string>;

// A scrape of these lines; how many of them stood where they were expected.
std::size_t scrape(SeriesCache& cache, const Lines& lines, bool commit = true,
                   std::uint64_t lead = 0) {
  cache.begin();
  std::size_t expected = 0;
  for (const std::string& line : lines) {
    ExposedSample sample;
    sample.series = line;
    sample.lead_hash = lead;
    const ExpectedSample guess = cache.expected();
    sample.as_expected = guess.series == line;
    sample.lead_known = sample.as_expected && guess.lead_hash == lead;
    auto place = sample.as_expected ? cache.expected_place() : cache.find(line);
    if (sample.as_expected) ++expected;
    if (!place) place = cache.add(line);
    CachedSeries& series = cache.at(*place);
    if (!series.known) {
      series.known = true;
      series.slot = static_cast<storage::Slot>(std::stoul(line.substr(1)));
    }
    CHECK(series.slot == static_cast<storage::Slot>(std::stoul(line.substr(1))));
    cache.use(*place, sample);
  }
  if (commit) cache.commit();
  return expected;
}

TEST_CASE("lines are expected in the order of the scrape before, newcomers and gaps in between") {
  LineBlocks blocks;
  SeriesCache cache(blocks, "job");
  CHECK(scrape(cache, {"s1", "s2", "s3", "s4"}) == 0);
  CHECK(scrape(cache, {"s1", "s2", "s3", "s4"}) == 4);
  CHECK(scrape(cache, {"s1", "s9", "s2", "s3", "s4"}) == 4);
  CHECK(scrape(cache, {"s1", "s9", "s2", "s3", "s4"}) == 5);
  CHECK(scrape(cache, {"s1", "s9", "s3", "s4"}) == 3);
  CHECK(scrape(cache, {"s1", "s9", "s3", "s4"}) == 4);
  CHECK(cache.size() == 4);
  CHECK(scrape(cache, {"s1", "s9"}) == 2);  // its end is gone
  CHECK(cache.size() == 2);
  CHECK(scrape(cache, {}) == 0);
  CHECK(cache.size() == 0);
  CHECK(scrape(cache, {"s3", "s3", "s1"}) == 0);  // twice in one body
  CHECK(scrape(cache, {"s3", "s3", "s1"}) == 3);
}

TEST_CASE("between scrapes a target holds what its lines mean, and none of a scrape's room") {
  LineBlocks blocks;
  SeriesCache cache(blocks, "job");
  Lines lines;
  for (int i = 0; i < 1000; ++i) lines.push_back("s" + std::to_string(i));
  const std::size_t most = lines.size() * sizeof(CachedSeries) + 64;
  scrape(cache, lines);
  CHECK(cache.bytes() <= most);
  std::swap(lines[3], lines[900]);  // another order
  scrape(cache, lines);
  CHECK(cache.bytes() <= most);
  lines.push_back("s5000");
  scrape(cache, lines, false);  // a scrape that fails holds it until the next begins
  CHECK(cache.bytes() > most);
  lines.pop_back();
  scrape(cache, lines);
  CHECK(cache.bytes() <= most);
}

TEST_CASE("a scrape that failed changes no expectation") {
  LineBlocks blocks;
  SeriesCache cache(blocks, "job");
  scrape(cache, {"s1", "s2", "s3"});
  scrape(cache, {"s1", "s7"}, false);
  CHECK(scrape(cache, {"s1", "s2", "s3"}) == 3);
}

TEST_CASE("other comments are another expectation") {
  LineBlocks blocks;
  SeriesCache cache(blocks, "job");
  scrape(cache, {"s1", "s2"}, true, 5);
  cache.begin();
  CHECK(cache.expected().lead_hash == 5);
  scrape(cache, {"s1", "s2"}, true, 6);
  cache.begin();
  CHECK(cache.expected().lead_hash == 6);
  CHECK(blocks.size() == 1);
}

TEST_CASE("targets of a job share their lines, and their slots are their own") {
  LineBlocks blocks;
  SeriesCache first(blocks, "job");
  scrape(first, {"s1", "s2", "s3"});
  SeriesCache second(blocks, "job");
  CHECK(second.size() == 3);
  second.begin();
  CHECK_FALSE(second.at(0).known);
  CHECK(scrape(second, {"s1", "s2", "s3"}) == 3);
  CHECK(blocks.size() == 1);
  // It goes its own way, and comes back.
  CHECK(scrape(second, {"s1", "s2", "s4"}) == 2);
  CHECK(blocks.size() == 2);
  CHECK(scrape(first, {"s1", "s2", "s3"}) == 3);
  CHECK(scrape(second, {"s1", "s2", "s3"}) == 2);
  CHECK(blocks.size() == 1);
  SeriesCache other(blocks, "another job");
  CHECK(other.size() == 0);
  scrape(other, {"s1", "s2", "s3"});
  CHECK(blocks.size() == 1);
}

TEST_CASE("blocks nobody uses are forgotten") {
  LineBlocks blocks;
  for (int i = 0; i < 2'000; ++i) {
    SeriesCache cache(blocks, "job" + std::to_string(i));
    scrape(cache, {"s" + std::to_string(i)});
  }
  CHECK(blocks.size() == 0);
}

}  // namespace
}  // namespace nines::collector
