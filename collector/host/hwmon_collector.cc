// Sensors of the hardware (temperatures, fans, voltages...), from /sys/class/hwmon.
// Source: kernel.org, Documentation/hwmon/sysfs-interface.rst.
#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {

constexpr std::array<std::string_view, 13> kTypes = {
    "vrm",  "beep_enable", "update_interval", "in",     "cpu",      "fan",      "pwm",
    "temp", "curr",        "power",           "energy", "humidity", "intrusion"};
constexpr std::string_view kHelp = "A sensor of the hardware.";
constexpr double kMilli = 1000;
constexpr double kMicro = 1e6;

struct Sensor {
  std::string_view type;
  std::map<std::string, std::string> files;  // by what follows the number: "input", "max", ""
};
using Sensors = std::map<std::string, Sensor>;

// Small letters, digits, colons; underscores for all else, none at the ends.
std::string clean(std::string_view text) {
  std::string out = to_lower(text);
  for (char& c : out) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ':' || c == '_';
    if (!kept) c = '_';
  }
  const std::size_t first = out.find_first_not_of('_');
  if (first == out.npos) return "";
  return out.substr(first, out.find_last_not_of('_') - first + 1);
}

// "temp1_crit_alarm" is the crit_alarm of temp1; a sensor without a number has number 0.
void read_sensors(const HostContext& context, const std::string& folder, Sensors& sensors) {
  const auto names = context.sys_list(folder);
  if (!names) return;
  for (const std::string& name : *names) {
    const std::string_view text = name;
    for (const std::string_view type : kTypes) {
      if (!text.starts_with(type)) continue;
      const std::string_view rest = text.substr(type.size());
      const std::size_t end = std::min(rest.find_first_not_of("0123456789"), rest.size());
      if (end < rest.size() && (rest[end] != '_' || end + 1 == rest.size())) continue;
      const Result<std::string> value = context.sys(folder + "/" + name);
      if (!value) break;  // some sensors cannot be read now and then
      std::string number(rest.substr(0, end));
      number.erase(0, std::min(number.find_first_not_of('0'), number.size()));
      Sensor& sensor = sensors[std::string(type) + (number.empty() ? "0" : number)];
      sensor.type = type;
      sensor.files[std::string(rest.substr(std::min(end + 1, rest.size())))] = trim(*value);
      break;
    }
  }
}

// The chip's name must not depend on the order in which drivers were loaded: bus and device, then
// the driver's name for it, then the folder's.
std::string chip_of(const HostContext& context, const std::string& folder) {
  std::error_code error;
  const std::filesystem::path device =
      std::filesystem::canonical(context.config.sys_path + "/" + folder + "/device", error);
  if (!error) {
    const std::string name = clean(device.filename().string());
    const std::string bus = clean(device.parent_path().filename().string());
    if (!name.empty() && !bus.empty()) return bus + "_" + name;
    if (!name.empty()) return name;
  }
  const Result<std::string> name = context.sys(folder + "/name");
  if (name && !clean(trim(*name)).empty()) return clean(trim(*name));
  return clean(folder.substr(folder.rfind('/') + 1));
}

struct Unit {
  std::string_view suffix;
  double divisor = 1;
  MetricType type = MetricType::kGauge;
};

Unit unit_of(std::string_view type, std::string_view element) {
  if (element == "fault" || element == "alarm") return {"", 1};
  if (element == "beep") return {"_enabled", 1};
  if (type == "in" || type == "cpu") return {"_volts", kMilli};
  if (type == "temp" && element != "type") return {"_celsius", kMilli};
  if (type == "curr") return {"_amps", kMilli};
  if (type == "energy") return {"_joule_total", kMicro, MetricType::kCounter};
  if (type == "power" && element == "accuracy") return {"", kMicro};
  if (type == "power" && element.starts_with("average_interval")) return {"_seconds", kMilli};
  if (type == "power") return {"_watt", kMicro};
  if (type == "humidity") return {"", kMicro};
  const bool speed =
      element == "input" || element == "min" || element == "max" || element == "target";
  return type == "fan" && speed ? Unit{"_rpm", 1} : Unit{"", 1};
}

// Thousandths are multiplied by 0.001, millionths divided: the doubles node_exporter shows.
double scaled(double value, double divisor) {
  return divisor == kMilli ? value * 0.001 : value / divisor;
}

void add_sensor(std::string_view chip, const std::string& name, const Sensor& sensor,
                HostSamples& out) {
  constexpr MetricType kG = MetricType::kGauge;
  const std::initializer_list<HostTag> tags = {{"chip", chip}, {"sensor", name}};
  if (const auto label = sensor.files.find("label"); label != sensor.files.end()) {
    out.add({"node_hwmon_sensor_label", kG, "What the driver calls the sensor."},
            {{"chip", chip}, {"label", label->second}, {"sensor", name}}, 1);
  }
  const auto bare = sensor.files.find("");
  const std::string_view own = bare == sensor.files.end() ? std::string_view() : bare->second;
  const std::optional<double> own_number = number_of(own);
  if (sensor.type == "beep_enable") {
    out.add({"node_hwmon_beep_enabled", kG, kHelp}, tags, own == "1" ? 1 : 0);
    return;
  }
  if (sensor.type == "vrm") {
    if (own_number) out.add({"node_hwmon_voltage_regulator_version", kG, kHelp}, tags, *own_number);
    return;
  }
  if (sensor.type == "update_interval") {
    if (!own_number) return;
    out.add({"node_hwmon_update_interval_seconds", kG, kHelp}, tags, *own_number * 0.001);
    return;
  }
  for (const auto& [element, text] : sensor.files) {
    const std::optional<double> value = number_of(text);
    if (element == "label" || !value) continue;
    std::string family = "node_hwmon_" + std::string(sensor.type);
    // The input is the sensor's value, unless a bare file is.
    if (element == "input" ? bare != sensor.files.end() : !element.empty()) {
      family += "_" + clean(element);
    }
    const Unit unit = unit_of(sensor.type, element);
    family += unit.suffix;
    out.add({family, unit.type, kHelp}, tags, scaled(*value, unit.divisor));
  }
}

}  // namespace

HostCollector hwmon_collector(HostContext context) {
  return {"hwmon", [context](HostSamples& out) -> Result<void> {
            NINES_TRY(const auto names, context.sys_list("class/hwmon"));
            for (const std::string& name : names) {
              const std::string folder = "class/hwmon/" + name;
              const std::string chip = chip_of(context, folder);
              Sensors sensors;
              read_sensors(context, folder, sensors);
              read_sensors(context, folder + "/device", sensors);
              const Result<std::string> driver = context.sys(folder + "/name");
              if (driver && !clean(trim(*driver)).empty()) {
                out.add({"node_hwmon_chip_names", MetricType::kGauge, "The driver's name of it."},
                        {{"chip", chip}, {"chip_name", clean(trim(*driver))}}, 1);
              }
              for (const auto& [sensor, data] : sensors) add_sensor(chip, sensor, data, out);
            }
            return {};
          }};
}

}  // namespace nines::collector
