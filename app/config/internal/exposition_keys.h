#pragma once
// What targets are asked to speak: keys of [global] and of each scrape configuration.

#include "app/config/internal/toml_reader.h"
#include "collector/scrape/scraper.h"

namespace nines::config {

// scrape_protocols, the names' schemes, and which form of histograms is kept. What is not named
// stays as it is in `out`.
void read_exposition(TableReader& t, collector::ScrapeConfig& out);

// fallback_scrape_protocol: of a scrape configuration alone.
void read_fallback_protocol(TableReader& t, collector::ScrapeConfig& out);

}  // namespace nines::config
