// Memory errors that were seen, from /sys/devices/system/edac/mc.
// Source: kernel.org, Documentation/admin-guide/ras.rst.
#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {

constexpr MetricType kC = MetricType::kCounter;
constexpr HostFamily kCorrectable{"node_edac_correctable_errors_total", kC,
                                  "Memory errors corrected, by controller."};
constexpr HostFamily kUncorrectable{"node_edac_uncorrectable_errors_total", kC,
                                    "Memory errors not corrected, by controller."};
constexpr HostFamily kRowCorrectable{"node_edac_csrow_correctable_errors_total", kC,
                                     "Memory errors corrected, by row."};
constexpr HostFamily kRowUncorrectable{"node_edac_csrow_uncorrectable_errors_total", kC,
                                       "Memory errors not corrected, by row."};
const char* const kFolder = "devices/system/edac/mc";

struct Counter {
  const char* file;
  const HostFamily& family;
  const char* row;  // null: of the controller
};

Result<void> add_controller(const HostContext& context, const std::string& name, HostSamples& out) {
  const std::string folder = std::string(kFolder) + "/" + name;
  const std::string_view controller = std::string_view(name).substr(2);
  for (const Counter& counter : {Counter{"ce_count", kCorrectable, nullptr},
                                 Counter{"ce_noinfo_count", kRowCorrectable, "unknown"},
                                 Counter{"ue_count", kUncorrectable, nullptr},
                                 Counter{"ue_noinfo_count", kRowUncorrectable, "unknown"}}) {
    NINES_TRY(const double value,
              number_in(name + "/" + counter.file, context.sys(folder + "/" + counter.file)));
    if (counter.row == nullptr) {
      out.add(counter.family, {{"controller", controller}}, value);
    } else {
      out.add(counter.family, {{"controller", controller}, {"csrow", counter.row}}, value);
    }
  }
  NINES_TRY(const auto names, context.sys_list(folder));
  for (const std::string& row : names) {
    if (!row.starts_with("csrow") || !is_digits(std::string_view(row).substr(5))) continue;
    const std::string_view number = std::string_view(row).substr(5);
    const std::string at = name + "/" + row;
    NINES_TRY(const double corrected,
              number_in(at + "/ce_count", context.sys(folder + "/" + row + "/ce_count")));
    NINES_TRY(const double lost,
              number_in(at + "/ue_count", context.sys(folder + "/" + row + "/ue_count")));
    out.add(kRowCorrectable, {{"controller", controller}, {"csrow", number}}, corrected);
    out.add(kRowUncorrectable, {{"controller", controller}, {"csrow", number}}, lost);
  }
  return {};
}

}  // namespace

HostCollector edac_collector(HostContext context) {
  return {"edac", [context](HostSamples& out) -> Result<void> {
            const auto names = context.sys_list(kFolder);
            if (!names) return {};  // no controller: nothing to tell, as node_exporter has it
            for (const std::string& name : *names) {
              if (!name.starts_with("mc") || !is_digits(std::string_view(name).substr(2))) continue;
              if (Result<void> done = add_controller(context, name, out); !done) return done;
            }
            return {};
          }};
}

}  // namespace nines::collector
