#include "app/config/planned.h"

#include <utility>

namespace nines::config {
namespace {

bool concerns(const maintenance::Maintenance& one, const slo::SloConfig& slo) {
  if (one.concerns({{"service", slo.service}, {"slo", slo.name}})) return true;
  return !slo.definition.empty() &&
         one.concerns({{"service", slo.service}, {"slo", slo.definition}});
}

}  // namespace

void add_planned(Config& config, std::vector<maintenance::Maintenance> added) {
  for (maintenance::Maintenance& one : added) {
    for (slo::SloConfig& slo : config.slos) {
      if (one.excludes && concerns(one, slo)) slo.exclude.push_back(one);
    }
    config.maintenance.push_back(std::move(one));
  }
}

}  // namespace nines::config
