// `nines storage import`: samples from a file, into a folder nobody writes to or a running nines.
#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/ask.h"
#include "app/cli/internal/storage_verbs.h"
#include "app/config/config.h"
#include "app/server/application.h"
#include "base/core/real_clock.h"
#include "base/net/http_client.h"
#include "base/text/numbers.h"
#include "base/text/text.h"
#include "collector/backfill/backfill.h"
#include "storage/engine/engine.h"

namespace nines::app {
namespace {

using collector::BackfillReport;
using collector::ExpositionFormat;

constexpr std::uint64_t kFileBytesMax = 4ULL << 30;
constexpr std::size_t kPieceBytes = 8u << 20;  // of a request; a server takes 16 MiB by default

struct File {
  std::string path;
  std::string text;
};

int failed(const std::string& text) {
  fmt::print(stderr, "nines: {}\n", text);
  return kExitFailure;
}

void add(BackfillReport& sum, const BackfillReport& one) {
  sum.appended += one.appended;
  sum.exemplars += one.exemplars;
  sum.duplicates += one.duplicates;
  sum.conflicts += one.conflicts;
  sum.out_of_order += one.out_of_order;
  sum.too_far_ahead += one.too_far_ahead;
  sum.series_refused += one.series_refused;
  sum.samples_refused += one.samples_refused;
  sum.exemplars_refused += one.exemplars_refused;
  if (sum.refusal.empty()) sum.refusal = one.refusal;
}

void print_report(const std::string& path, const BackfillReport& read, const BackfillReport& kept) {
  fmt::print("{}: {} samples of {} series", path, read.samples, read.series);
  if (read.samples > 0) {
    fmt::print(", {} to {}", format_time(from_millis(read.oldest_ms)),
               format_time(from_millis(read.newest_ms)));
  }
  fmt::print("\n  stored: {} samples, {} exemplars\n", kept.appended, kept.exemplars);
  const std::pair<std::uint64_t, const char*> causes[] = {
      {kept.duplicates, "were there already, alike"},
      {kept.conflicts, "have a time that is taken by another value"},
      {kept.out_of_order, "are older than the out-of-order window allows"},
      {kept.too_far_ahead, "lie in the future"},
      {kept.samples_refused, "are of series past a limit"},
      {kept.exemplars_refused, "exemplars are older than their series' newest, or too long"},
  };
  for (const auto& [count, why] : causes) {
    if (count > 0) fmt::print("  not stored: {} {}\n", count, why);
  }
  if (!kept.refusal.empty()) fmt::print("  the first: {}\n", kept.refusal);
}

// A stopped folder, opened as a start would.
class FolderSink {
 public:
  Result<void> open(const ImportOptions& options) {
    storage::Options storage;
    storage.keep_size = true;
    if (!options.config.empty()) {
      NINES_TRY(const config::Config config, config::load_file(*fs_, options.config));
      storage = config.storage;
    }
    if (!options.data.empty()) storage.path = options.data;
    if (storage.path.empty()) storage.path = default_data_path();
    auto engine = storage::Engine::open(storage, {*fs_, *clock_, *scheduler_, *log_, *telemetry_});
    if (!engine && engine.error().code() == ErrorCode::kUnavailable) {
      return std::move(engine).error().in(
          "a nines runs in the folder: name its address with --url, such as --url "
          "http://127.0.0.1:9999");
    }
    if (!engine && engine.error().code() == ErrorCode::kNotFound) {
      return Error(ErrorCode::kNotFound,
                   engine.error().what() +
                       "; start a nines there first, or name a configuration with --config to make "
                       "the folder with its [storage]");
    }
    if (!engine) return std::move(engine).error();
    engine_ = *std::move(engine);
    return {};
  }
  Result<BackfillReport> take(const File& file, ExpositionFormat format) {
    collector::BackfillOptions options;
    options.name = "import/" + std::to_string(clock_->now_nanos().time_since_epoch().count());
    NINES_TRY(const BackfillReport report,
              collector::backfill(file.text, format, engine_->appender(), options));
    if (Result<void> flushed = engine_->flush(); !flushed) return std::move(flushed).error();
    return report;
  }
  int exit_code() const { return kExitFailure; }

 private:
  std::unique_ptr<Clock> clock_ = make_real_clock();
  std::unique_ptr<Scheduler> scheduler_ = make_real_scheduler(*clock_);
  std::unique_ptr<Log> log_ = make_stderr_log(LogLevel::kWarn);
  std::unique_ptr<Fs> fs_ = make_posix_fs();
  std::unique_ptr<Telemetry> telemetry_ = make_telemetry();
  std::unique_ptr<storage::Engine> engine_;
};

// A running nines. A file goes there in pieces of whole lines, each with the comments of the
// family it begins in.
class ServerSink {
 public:
  explicit ServerSink(std::string url) : url_(std::move(url)) {}

  Result<BackfillReport> take(const File& file, ExpositionFormat format) {
    BackfillReport sum;
    std::string_view rest = file.text;
    std::string comments;  // of the family at hand
    bool comments_end = false;
    std::string piece;
    while (!rest.empty() || !piece.empty()) {
      const std::size_t newline = rest.find('\n');
      const std::string_view line = rest.substr(0, newline == rest.npos ? newline : newline + 1);
      rest.remove_prefix(line.size());
      if (line.starts_with("# EOF")) continue;
      if (line.starts_with('#')) {
        if (comments_end) comments.clear();
        comments_end = false;
        comments += line;
      } else {
        comments_end = true;
      }
      piece += line;
      if (!rest.empty() && piece.size() < kPieceBytes) continue;
      if (format == ExpositionFormat::kOpenMetrics) {
        if (!piece.ends_with('\n')) piece += '\n';
        piece += "# EOF\n";
      }
      Result<BackfillReport> sent = send(std::move(piece), format);
      if (!sent) {
        return std::move(sent).error().in("after " + std::to_string(sum.appended) + " samples of " +
                                          file.path + " were stored");
      }
      add(sum, *sent);
      piece = rest.empty() ? "" : comments;
    }
    return sum;
  }
  int exit_code() const { return unreachable_ ? kExitUnreachable : kExitFailure; }

 private:
  Result<BackfillReport> send(std::string body, ExpositionFormat format) {
    HttpRequest request;
    request.method = "POST";
    request.url = url_ + "/api/nines/v1/import?format=" +
                  (format == ExpositionFormat::kOpenMetrics ? "openmetrics" : "prometheus");
    request.headers.emplace_back("Content-Type", format == ExpositionFormat::kOpenMetrics
                                                     ? "application/openmetrics-text"
                                                     : "text/plain");
    request.body = std::move(body);
    request.timeout = Duration(120'000);
    Result<HttpResponse> sent = send_and_wait(*http_, std::move(request));
    if (!sent) {
      unreachable_ = true;
      return Error(ErrorCode::kUnavailable,
                   fmt::format("cannot reach {}: {} (is it running?)", url_, sent.error().what()));
    }
    const HttpResponse& response = *sent;
    Result<Json> json = Json::parse(response.body);
    if (response.status != 200) {
      std::string why = json ? (*json)["error"].as_string() : std::string(trim(response.body));
      return Error(ErrorCode::kUnavailable,
                   fmt::format("{} answered {}: {}", url_, response.status, why));
    }
    if (!json) return Error(ErrorCode::kInvalid, url_ + " does not answer as a nines does");
    const auto count = [](const Json& value) { return static_cast<std::uint64_t>(value.as_int()); };
    const Json& refused = (*json)["refused"];
    BackfillReport report;
    report.appended = count((*json)["appended"]);
    report.exemplars = count((*json)["exemplars"]);
    report.duplicates = count(refused["duplicate"]);
    report.conflicts = count(refused["conflict"]);
    report.out_of_order = count(refused["out_of_order"]);
    report.too_far_ahead = count(refused["too_far_ahead"]);
    report.samples_refused = count(refused["limit"]);
    report.series_refused = count(refused["limit_series"]);
    report.exemplars_refused = count(refused["exemplars"]);
    report.refusal = (*json)["first_refusal"].as_string();
    return report;
  }

  const std::string url_;
  bool unreachable_ = false;
  std::unique_ptr<HttpClient> http_ =
      make_curl_http_client({1, 10, std::string("nines-cli/") + kVersion});
};

template <typename Sink>
int import_all(Sink& sink, const std::vector<File>& files, const std::vector<BackfillReport>& read,
               ExpositionFormat format) {
  bool all = true;
  for (std::size_t i = 0; i < files.size(); ++i) {
    Result<BackfillReport> kept = sink.take(files[i], format);
    if (!kept) {
      failed(files[i].path + ": " + kept.error().what());
      return sink.exit_code();
    }
    print_report(files[i].path, read[i], *kept);
    all = all && kept->refused() == 0;
  }
  return all ? kExitOk : kExitFailure;
}

}  // namespace

int import_storage(const ImportOptions& options) {
  const ExpositionFormat format =
      options.format == "prometheus" ? ExpositionFormat::kText004 : ExpositionFormat::kOpenMetrics;
  const auto fs = make_posix_fs();
  std::vector<File> files;
  std::vector<BackfillReport> read;
  // All of them are read before the first is stored.
  for (const std::string& path : options.files) {
    Result<std::string> text = read_file(*fs, path, kFileBytesMax);
    if (!text) return failed(text.error().what());
    files.push_back({path, *std::move(text)});
    Result<BackfillReport> report = collector::check_backfill(files.back().text, format);
    if (!report) return failed(path + ": " + report.error().what() + "\nnothing was stored");
    read.push_back(*std::move(report));
  }
  if (!options.url.empty()) {
    ServerSink server(options.url);
    return import_all(server, files, read, format);
  }
  FolderSink folder;
  if (Result<void> opened = folder.open(options); !opened) {
    failed(opened.error().what());
    return opened.error().code() == ErrorCode::kNotFound ? kExitNotFound : kExitFailure;
  }
  return import_all(folder, files, read, format);
}

}  // namespace nines::app
