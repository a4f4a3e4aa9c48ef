#include "app/config/planned.h"

#include <algorithm>
#include <utility>

namespace nines::config {
namespace {

bool concerns(const maintenance::Maintenance& one, const slo::SloConfig& slo) {
  if (one.concerns({{"service", slo.service}, {"slo", slo.name}})) return true;
  return !slo.definition.empty() &&
         one.concerns({{"service", slo.service}, {"slo", slo.definition}});
}

void exclude(Config& config, const maintenance::Maintenance& one) {
  if (!one.excludes) return;
  for (slo::SloConfig& slo : config.slos) {
    const bool named = std::any_of(slo.exclude.begin(), slo.exclude.end(),
                                   [&](const auto& other) { return other.name == one.name; });
    if (!named && concerns(one, slo)) slo.exclude.push_back(one);
  }
}

}  // namespace

void add_planned(Config& config, std::vector<maintenance::Maintenance> added) {
  for (maintenance::Maintenance& one : added) {
    exclude(config, one);
    config.maintenance.push_back(std::move(one));
  }
}

void exclude_configured(Config& config) {
  for (const maintenance::Maintenance& one : config.maintenance) exclude(config, one);
}

}  // namespace nines::config
