// What operating system runs here, from /etc/os-release.
// Source: os-release(5).
#include <map>

#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {

constexpr HostFamily kInfo{"node_os_info", MetricType::kGauge, "Names of the operating system."};
constexpr HostFamily kVersion{"node_os_version", MetricType::kGauge,
                              "Version of the operating system, as a number."};

// Shell quotes around a value, and backslashes in it.
std::string unquote(std::string_view text) {
  char quote = 0;
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quote != 0 && text[i] == quote) {
      quote = 0;
    } else if (quote == 0 && (text[i] == '"' || text[i] == '\'')) {
      quote = text[i];
    } else if (text[i] == '\\' && quote != '\'' && i + 1 < text.size()) {
      out += text[++i];
    } else {
      out += text[i];
    }
  }
  return out;
}

// "22.04.1" is 22.04: the number that major and minor version make.
std::optional<double> leading_number(std::string_view text) {
  std::size_t end = 0;
  bool dot = false;
  while (end < text.size() &&
         ((text[end] >= '0' && text[end] <= '9') || (text[end] == '.' && !dot && end > 0))) {
    dot = dot || text[end] == '.';
    ++end;
  }
  while (end > 0 && text[end - 1] == '.') --end;
  return number_of(text.substr(0, end));
}

Result<std::map<std::string, std::string, std::less<>>> parse(std::string_view text) {
  std::map<std::string, std::string, std::less<>> values;
  for (const std::string_view raw : lines_of(text)) {
    const std::string_view line = trim(raw);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t equals = line.find('=');
    if (equals == 0 || equals == line.npos) return bad_line("os-release", line);
    values[std::string(line.substr(0, equals))] = unquote(line.substr(equals + 1));
  }
  return values;
}

}  // namespace

HostCollector os_collector(HostContext context) {
  return {"os", [context](HostSamples& out) -> Result<void> {
            Result<std::string> text = context.root("etc/os-release");
            if (!text) text = context.root("usr/lib/os-release");
            if (!text) return std::move(text).error();
            NINES_TRY(const auto values, parse(*text));
            const auto value = [&](std::string_view key) {
              const auto found = values.find(key);
              return found == values.end() ? std::string_view() : std::string_view(found->second);
            };
            out.add(kInfo,
                    {{"build_id", value("BUILD_ID")},
                     {"id", value("ID")},
                     {"id_like", value("ID_LIKE")},
                     {"image_id", value("IMAGE_ID")},
                     {"image_version", value("IMAGE_VERSION")},
                     {"name", value("NAME")},
                     {"pretty_name", value("PRETTY_NAME")},
                     {"variant", value("VARIANT")},
                     {"variant_id", value("VARIANT_ID")},
                     {"version", value("VERSION")},
                     {"version_codename", value("VERSION_CODENAME")},
                     {"version_id", value("VERSION_ID")}},
                    1);
            const std::optional<double> version = leading_number(value("VERSION_ID"));
            if (version) {
              out.add(kVersion,
                      {{"id", value("ID")}, {"id_like", value("ID_LIKE")}, {"name", value("NAME")}},
                      *version);
            }
            return {};
          }};
}

}  // namespace nines::collector
