// Metrics that others leave as *.prom files in a folder.
#include "collector/exposition/parser.h"
#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {

constexpr HostFamily kModified{"node_textfile_mtime_seconds", MetricType::kGauge,
                               "When the file was written, since 1970."};
constexpr HostFamily kFailed{"node_textfile_scrape_error", MetricType::kGauge,
                             "1 when a file could not be read."};

// What a file says, kept until all of it was understood: a file counts whole or not at all.
class Reading final : public ExpositionVisitor {
 public:
  Result<void> on_sample(const ExposedSample& sample) override {
    if (sample.time_ms) {
      return Error(ErrorCode::kInvalid,
                   "\"" + std::string(sample.series) +
                       "\" has a timestamp, which a text file may not give; remove it");
    }
    // Once here, so that a bad series costs the file before anything of it is told.
    if (const Result<LabelSet> labels = parse_series(sample.series); !labels)
      return Error(labels.error());
    samples_.emplace_back(std::string(sample.series), sample.value);
    return {};
  }
  void on_type(std::string_view family, MetricType type) override {
    families_.emplace_back(std::string(family), type);
  }

  Result<void> tell(HostSamples& out) const {
    for (const auto& [family, type] : families_) out.describe(family, type, "From a text file.");
    for (const auto& [series, value] : samples_) {
      if (Result<void> done = out.add_text(series, value); !done) return done;
    }
    return {};
  }

 private:
  std::vector<std::pair<std::string, double>> samples_;
  std::vector<std::pair<std::string, MetricType>> families_;
};

Result<void> tell_file(const HostContext& context, const std::string& path, HostSamples& out) {
  NINES_TRY(std::string text, read_file(context.fs, path, context.config.textfile_size_limit));
  if (!text.empty() && text.back() != '\n') text += '\n';
  Reading reading;
  if (Result<void> done = parse_exposition(text, ExpositionFormat::kText004, reading); !done) {
    return std::move(done).error().in(path);
  }
  NINES_TRY(const FileInfo info, context.fs.info(path));
  if (Result<void> done = reading.tell(out); !done) return done;
  out.add(kModified, {{"file", path}}, static_cast<double>(to_millis(info.modified)) / 1000);
  return {};
}

}  // namespace

HostCollector textfile_collector(HostContext context) {
  return {"textfile", [context](HostSamples& out) -> Result<void> {
            const std::string& folder = context.config.textfile_directory;
            bool failed = false;
            // Told beside the metric; node_exporter, too, calls the collector a success.
            const auto fail = [&](const Error& error) {
              failed = true;
              out.note(error.what());
            };
            if (!folder.empty()) {
              const auto names = context.fs.list(folder);
              if (!names) fail(names.error());
              for (const std::string& name : names ? *names : std::vector<std::string>()) {
                if (!name.ends_with(".prom")) continue;
                const Result<void> done = tell_file(context, folder + "/" + name, out);
                if (!done) fail(done.error());
              }
            }
            out.add(kFailed, failed ? 1 : 0);
            return {};
          }};
}

}  // namespace nines::collector
