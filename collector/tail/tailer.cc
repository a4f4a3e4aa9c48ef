#include "collector/tail/tailer.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <set>
#include <utility>

#include "base/text/json.h"
#include "base/text/text.h"
#include "collector/tail/internal/followed_file.h"
#include "collector/tail/internal/line_counters.h"

namespace nines::collector {
namespace {

constexpr std::string_view kComponent = "tail";
constexpr std::uint64_t kReadPerPoll =
    8u << 20;  // bytes per file and poll, so that no file starves another
constexpr std::size_t kBatchLines = 1000;
constexpr std::size_t kKnownMax = 1000;  // places of files that are not open, the latest

bool is_place_of(const FilePlace& place, const FileInfo& info) {
  return place.inode == info.inode && place.device == info.device;
}

// One [[log_configs]] entry: its files by path, and those that were renamed and are being drained.
struct Job {
  LogConfig config;
  LineCounters counters;
  std::map<std::string, std::unique_ptr<FollowedFile>> files;
  std::map<std::string, TailStatus> status;
  std::vector<std::pair<std::string, std::unique_ptr<FollowedFile>>> draining;
  // Where we are in files that are not open: of the checkpoint, and of those drained lately, which
  // a glob may find again under their new name.
  std::vector<FilePlace> known;
  bool looked_for_rotated = false;
  bool has_checkpoint = false;
  bool dirty = false;
  Instant metrics_due{};
  Timestamp metrics_written{};  // when the derived metrics were written last; zero: never
  std::set<LabelSet> restored;  // counters the checkpoint brought back
  std::unique_ptr<storage::GroupWriter> writer;
  std::map<LabelSet, storage::Slot> slots;
};

}  // namespace

struct Tailer::Impl {
  explicit Impl(TailerParts p) : parts(p) {}

  void schedule();
  void poll();
  void poll_job(Job& job);
  void look_for_files(Job& job);
  void follow_renames(Job& job, const std::map<std::string, FileInfo>& found);
  void find_rotated(Job& job, const std::map<std::string, FileInfo>& found);
  Result<bool> drain(Job& job, const std::string& path, FollowedFile& file);
  void checkpoint(Job& job);
  void restore(Job& job);
  void write_metrics(Job& job);
  static std::string key_of(const Job& job) { return "tail/" + job.config.job_name; }

  TailerParts parts;
  mutable std::mutex mutex;  // guards everything below; held while files are read
  std::vector<std::unique_ptr<Job>> jobs;
  bool running = false;

  struct Shared {
    std::recursive_mutex mutex;
    Impl* impl = nullptr;
  };
  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
};

void Tailer::Impl::schedule() {
  Duration wait(1'000);
  {
    const std::lock_guard lock(mutex);
    for (const auto& job : jobs) wait = std::min(wait, job->config.poll_interval);
  }
  parts.scheduler.after(std::max(wait, Duration(20)), [s = shared] {
    const std::lock_guard guard(s->mutex);
    if (!s->impl) return;
    const auto work = [s] {
      const std::lock_guard inner(s->mutex);
      if (!s->impl) return;
      s->impl->poll();
      s->impl->schedule();
    };
    if (!s->impl->parts.executor.post(work)) s->impl->schedule();
  });
}

void Tailer::Impl::poll() {
  const std::lock_guard lock(mutex);
  for (const auto& job : jobs) poll_job(*job);
}

void Tailer::Impl::look_for_files(Job& job) {
  std::set<std::string> paths;
  for (const std::string& pattern : job.config.files) {
    Result<std::vector<std::string>> found = glob_files(parts.fs, pattern);
    if (found) paths.insert(found->begin(), found->end());
    if (pattern.find_first_of("*?[") == std::string::npos) {
      TailStatus& status = job.status[pattern];
      status.job = job.config.job_name;
      status.path = pattern;
      if (!paths.contains(pattern) && !job.files.contains(pattern))
        status.last_error = "the file does not exist (yet)";
    }
  }
  std::map<std::string, FileInfo> found;
  for (const std::string& path : paths) {
    const Result<FileInfo> info = parts.fs.info(path);
    if (info && !info->is_directory) found.emplace(path, *info);
  }
  follow_renames(job, found);
  if (!job.looked_for_rotated) find_rotated(job, found);
  job.looked_for_rotated = true;
  for (const auto& [path, info] : found) {
    TailStatus& status = job.status[path];
    status.job = job.config.job_name;
    status.path = path;
    status.inode = info.inode;
    auto& file = job.files[path];
    if (file) continue;
    const auto known =
        std::find_if(job.known.begin(), job.known.end(),
                     [&info = info](const FilePlace& place) { return is_place_of(place, info); });
    Result<std::unique_ptr<FollowedFile>> opened = FollowedFile::open(
        parts.fs, path, known == job.known.end() ? nullptr : &*known, job.config.line_bytes_max);
    if (!opened) {
      status.last_error = opened.error().what();
      job.files.erase(path);
      continue;
    }
    file = *std::move(opened);
    if (status.rotations == 0 && known == job.known.end() && !job.has_checkpoint &&
        !job.config.read_from_beginning)
      file->skip_to_end();
    status.last_error.clear();
  }
}

// A file that is another one now was rotated: what the old one still gets is read first, and under
// its new name where the globs find that.
void Tailer::Impl::follow_renames(Job& job, const std::map<std::string, FileInfo>& found) {
  std::map<std::string, std::unique_ptr<FollowedFile>> moved;
  for (auto& [path, file] : job.files) {
    const auto now = found.find(path);
    if (!file || now == found.end() || is_place_of(file->place(), now->second)) continue;
    ++job.status[path].rotations;
    const auto elsewhere = std::find_if(
        found.begin(), found.end(),
        [&place = file->place()](const auto& one) { return is_place_of(place, one.second); });
    if (elsewhere != found.end() && !job.files.contains(elsewhere->first)) {
      moved[elsewhere->first] = std::move(file);
    } else {
      job.draining.emplace_back(path, std::move(file));
    }
  }
  for (auto& [path, file] : moved) job.files[path] = std::move(file);
}

// At the first look: files of the checkpoint that were renamed while nobody looked are beside their
// old name; what they got since is read before their successors.
void Tailer::Impl::find_rotated(Job& job, const std::map<std::string, FileInfo>& found) {
  for (const FilePlace& place : job.known) {
    const bool here = std::any_of(found.begin(), found.end(),
                                  [&](const auto& one) { return is_place_of(place, one.second); });
    const std::size_t slash = place.path.rfind('/');
    // Without a fingerprint nobody could tell a reused inode from the file.
    if (here || slash == std::string::npos || place.fingerprint.bytes == 0) continue;
    const std::string folder = place.path.substr(0, std::max<std::size_t>(slash, 1));
    const Result<std::vector<std::string>> names = parts.fs.list(folder);
    if (!names) continue;
    for (const std::string& name : *names) {
      const std::string path = folder + "/" + name;
      const Result<FileInfo> info = parts.fs.info(path);
      if (!info || info->is_directory || !is_place_of(place, *info)) continue;
      auto opened = FollowedFile::open(parts.fs, path, &place, job.config.line_bytes_max);
      // Another file under the old inode begins at 0: that one was never asked for.
      if (!opened || (*opened)->place().offset != place.offset) break;
      ++job.status[place.path].rotations;
      job.draining.emplace_back(place.path, *std::move(opened));
      break;
    }
  }
}

Result<bool> Tailer::Impl::drain(Job& job, const std::string& path, FollowedFile& file) {
  LabelBuilder stream;
  for (const auto& [name, value] : job.config.labels) stream.set(name, value);
  stream.set("job", job.config.job_name).set("filename", path);
  const LabelSet labels = stream.build();
  TailStatus& status = job.status[path];
  std::vector<std::string> texts;
  Result<void> appended;
  const auto hand_over = [&] {
    if (texts.empty()) return;
    const LogTime now = parts.scheduler.clock().now_nanos();
    std::vector<storage::LogLine> lines;
    for (std::size_t i = 0; i < texts.size(); ++i)
      lines.push_back({now + std::chrono::nanoseconds(i), texts[i]});
    if (appended) appended = parts.logs.append(labels, lines);
    for (const std::string& text : texts) job.counters.count(text);
    status.lines += texts.size();
    status.last_line = parts.scheduler.clock().now();
    job.dirty = true;
    texts.clear();
  };
  const std::uint64_t truncated = file.truncations();
  Result<bool> more = file.read(kReadPerPoll, [&](std::string_view line) {
    texts.emplace_back(line);
    if (texts.size() == kBatchLines) hand_over();
  });
  hand_over();
  status.rotations += file.truncations() - truncated;
  status.offset = file.place().offset;
  status.size = file.size();
  if (!appended) {
    parts.log.error(kComponent, "{}: lines not kept: {}", path, appended.error().what());
    status.last_error = appended.error().what();
  }
  return more;
}

void Tailer::Impl::poll_job(Job& job) {
  look_for_files(job);
  for (auto it = job.draining.begin(); it != job.draining.end();) {
    const Result<bool> more = drain(job, it->first, *it->second);
    if (more && *more) {
      ++it;
      continue;
    }
    job.known.push_back(it->second->place());
    job.known.back().path = it->first;
    it = job.draining.erase(it);
  }
  for (auto& [path, file] : job.files) {
    if (!file) continue;
    if (const Result<bool> more = drain(job, path, *file); !more)
      job.status[path].last_error = more.error().what();
  }
  const Instant now = parts.scheduler.clock().elapsed();
  if (now < job.metrics_due) return;
  job.metrics_due = now + job.config.metrics_interval;
  if (job.dirty) checkpoint(job);
  write_metrics(job);
}

// Offsets and counters in one value, after the lines are on disk: a crash repeats lines, never
// counts.
void Tailer::Impl::checkpoint(Job& job) {
  if (Result<void> flushed = parts.logs.flush(); !flushed) {
    parts.log.error(kComponent, "{}: lines are not on disk yet: {}", job.config.job_name,
                    flushed.error().what());
    return;
  }
  JsonWriter json;
  json.begin_object().key("files").begin_array();
  const auto put = [&](const std::string& path, const FilePlace& place) {
    json.begin_object().field("path", path);
    json.field("device", std::to_string(place.device)).field("inode", std::to_string(place.inode));
    json.field("offset", place.offset).field("fingerprint_bytes", place.fingerprint.bytes);
    json.field("fingerprint", hex(place.fingerprint.hash)).end_object();
  };
  if (job.known.size() > kKnownMax)
    job.known.erase(job.known.begin(), job.known.end() - static_cast<std::ptrdiff_t>(kKnownMax));
  for (const FilePlace& place : job.known) put(place.path, place);
  for (const auto& [path, file] : job.draining) put(path, file->place());
  for (const auto& [path, file] : job.files) {
    if (file) put(path, file->place());
  }
  json.end_array().key("counters");
  job.counters.save(json);
  json.end_object();
  if (Result<void> kept = parts.checkpoints.set_value(key_of(job), json.str()); !kept) {
    parts.log.error(kComponent, "{}: checkpoint not kept: {}", job.config.job_name,
                    kept.error().what());
    return;
  }
  job.dirty = false;
}

void Tailer::Impl::restore(Job& job) {
  const auto saved = parts.checkpoints.get_value(key_of(job));
  if (!saved || !*saved) return;
  const Result<Json> json = Json::parse(**saved);
  if (!json) return;
  job.has_checkpoint = true;
  for (const Json& file : (*json)["files"].items()) {
    FilePlace place;
    place.path = file["path"].as_string();
    place.device = std::strtoull(file["device"].as_string().c_str(), nullptr, 10);
    place.inode = std::strtoull(file["inode"].as_string().c_str(), nullptr, 10);
    place.offset = static_cast<std::uint64_t>(file["offset"].as_int());
    place.fingerprint.bytes = static_cast<std::uint64_t>(file["fingerprint_bytes"].as_int());
    place.fingerprint.hash = std::strtoull(file["fingerprint"].as_string().c_str(), nullptr, 16);
    // Later entries of the same file are newer.
    std::erase_if(job.known, [&](const FilePlace& old) {
      return old.inode == place.inode && old.device == place.device;
    });
    job.known.push_back(place);
  }
  job.counters.restore((*json)["counters"]);
  for (const auto& [labels, value] : job.counters.values()) job.restored.insert(labels);
}

// A counter that was born since the last write gets a zero at that write: its first events are an
// increase like any other, so that no error budget misses them.
void Tailer::Impl::write_metrics(Job& job) {
  if (!job.writer) return;
  const Timestamp now = parts.scheduler.clock().now();
  const bool first = job.metrics_written == Timestamp{};
  const Timestamp before = first ? now - job.config.metrics_interval : job.metrics_written;
  std::vector<storage::Row> rows, born;
  for (const auto& [labels, value] : job.counters.values()) {
    storage::Row row;
    row.value = value;
    auto it = job.slots.find(labels);
    if (it == job.slots.end()) {
      Result<storage::Slot> slot = job.writer->slot(labels);
      if (!slot) {
        parts.log.warn(kComponent, "{}: {}", job.config.job_name, slot.error().what());
        continue;
      }
      it = job.slots.emplace(labels, *slot).first;
      const bool old = first && (!job.has_checkpoint || job.restored.contains(labels));
      row.slot = it->second;
      if (!old && value > 0) born.emplace_back().slot = row.slot;
    }
    row.slot = it->second;
    rows.push_back(row);
  }
  job.metrics_written = now;
  const auto append = [&](Timestamp at, const std::vector<storage::Row>& batch) {
    if (batch.empty()) return;
    if (const auto done = job.writer->append(at, batch); !done) {
      parts.log.error(kComponent, "{}: counters not written: {}", job.config.job_name,
                      done.error().what());
    }
  };
  append(before, born);
  append(now, rows);
}

Tailer::Tailer(TailerParts parts) : impl_(std::make_unique<Impl>(parts)) {
  impl_->shared->impl = impl_.get();
}

Tailer::~Tailer() {
  stop();
}

Result<void> Tailer::load(std::vector<LogConfig> configs) {
  std::vector<std::unique_ptr<Job>> jobs;
  for (const LogConfig& config : configs) {
    Result<LineCounters> counters = LineCounters::make(config);
    if (!counters) return std::move(counters).error().in("log job " + quote_go(config.job_name));
    jobs.push_back(std::make_unique<Job>(Job{config,
                                             *std::move(counters),
                                             {},
                                             {},
                                             {},
                                             {},
                                             false,
                                             false,
                                             false,
                                             {},
                                             {},
                                             {},
                                             nullptr,
                                             {}}));
  }
  const std::lock_guard lock(impl_->mutex);
  // The old jobs say where they are; the new ones go on from there.
  for (const auto& job : impl_->jobs) impl_->checkpoint(*job);
  impl_->jobs.clear();
  for (auto& job : jobs) {
    impl_->restore(*job);
    if (!job->config.metrics.empty()) {
      Result<std::unique_ptr<storage::GroupWriter>> writer =
          impl_->parts.appender.open_group("tail/" + job->config.job_name);
      if (!writer) return std::move(writer).error();
      job->writer = *std::move(writer);
      for (const LogMetric& metric : job->config.metrics) {
        impl_->parts.appender.set_metadata(metric.name, {MetricType::kCounter, metric.help, ""});
      }
    }
    impl_->jobs.push_back(std::move(job));
  }
  return {};
}

void Tailer::start() {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->running) return;
    impl_->running = true;
  }
  impl_->schedule();
}

void Tailer::stop() {
  {
    const std::lock_guard guard(impl_->shared->mutex);
    impl_->shared->impl = nullptr;
  }
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->running) return;
  impl_->running = false;
  for (const auto& job : impl_->jobs) impl_->checkpoint(*job);
}

void Tailer::poll_once() {
  impl_->poll();
}

std::vector<TailStatus> Tailer::status() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<TailStatus> out;
  for (const auto& job : impl_->jobs) {
    for (const auto& [path, status] : job->status) out.push_back(status);
  }
  return out;
}

}  // namespace nines::collector
