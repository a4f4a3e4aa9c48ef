#include "base/net/internal/worker.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace nines::net {
namespace {

constexpr std::uint64_t kWakeKey = UINT64_MAX;
constexpr std::size_t kOriginsMax = 100'000;  // remembered; past it the memory starts over

thread_local bool delivering_here = false;

std::uint64_t number(HttpCallId id) {
  return static_cast<std::uint64_t>(id);
}

}  // namespace

struct Worker::Shard {
  Worker* worker = nullptr;
  std::size_t index = 0;
  CURLM* multi = nullptr;
  std::size_t in_flight = 0;
  std::size_t origins = 0;
  std::optional<Instant> deadline;  // when libcurl wants to be called
};

Worker::Worker(WorkerOptions options, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      plain_way_({options_.user_agent, options_.idle_max}, clock_, epoll_,
                 [this](std::unique_ptr<Transfer> transfer, PlainWay::Outcome outcome) {
                   if (outcome) return deliver(*transfer, *std::move(outcome));
                   const std::string origin = *origin_of(transfer->request().url);
                   start_in_library(std::move(transfer), origin);
                 }) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeKey;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), options_.name.c_str());
}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake();
  thread_.join();
  for (auto& [id, running] : running_) {
    curl_multi_remove_handle(running.shard->multi, running.transfer->easy());
    curl_easy_cleanup(running.transfer->easy());
  }
  for (CURL* easy : idle_) curl_easy_cleanup(easy);
  for (CURL* easy : idle_plain_) curl_easy_cleanup(easy);
  for (const auto& shard : shards_) curl_multi_cleanup(shard->multi);
  ::close(wake_);
  ::close(epoll_);
}

void Worker::wake() const {
  const std::uint64_t one = 1;
  const ssize_t n = ::write(wake_, &one, sizeof one);  // full means awake already
  static_cast<void>(n);
}

void Worker::add(std::unique_ptr<Transfer> transfer, Result<std::string> origin) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    const HttpCallId id = transfer->id();
    live_.insert(number(id));
    first = orders_.empty();
    orders_.push_back({std::move(transfer), id, std::move(origin)});
  }
  if (first) wake();  // whoever put in the order before has woken it already
}

void Worker::cancel(HttpCallId id) {
  std::unique_lock lock(mutex_);
  if (live_.erase(number(id)) != 0) {
    const bool first = orders_.empty();
    orders_.push_back({nullptr, id, std::string()});
    lock.unlock();
    if (first) wake();
    return;
  }
  if (std::this_thread::get_id() == thread_.get_id()) return;
  delivered_.wait(lock, [&] { return delivering_ != id; });
}

void Worker::run() {
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the main thread's; SIGPIPE nobody's
  std::array<epoll_event, 256> events;
  while (take_orders()) {
    const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms());
    // What had come by now is among the events, unless there were too many: it is not late, however
    // long the work on the others takes.
    const Instant now = clock_.elapsed();
    for (int i = 0; i < n; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == kWakeKey) {
        std::uint64_t count = 0;
        const ssize_t got = ::read(wake_, &count, sizeof count);
        static_cast<void>(got);
        continue;
      }
      if ((event.data.u64 & PlainWay::kKey) != 0) {
        plain_way_.on_event(event.data.u64, event.events);
        continue;
      }
      int mask = 0;
      if ((event.events & (EPOLLIN | EPOLLHUP)) != 0) mask |= CURL_CSELECT_IN;
      if ((event.events & EPOLLOUT) != 0) mask |= CURL_CSELECT_OUT;
      if ((event.events & EPOLLERR) != 0) mask |= CURL_CSELECT_ERR;
      act(*shards_[event.data.u64 >> 32], static_cast<curl_socket_t>(event.data.u64 & 0xFFFFFFFF),
          mask);
    }
    if (n < static_cast<int>(events.size())) plain_way_.expire(now);
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      Shard& shard = *shards_[i];
      if (!shard.deadline || *shard.deadline > now) continue;
      shard.deadline.reset();
      act(shard, CURL_SOCKET_TIMEOUT, 0);
    }
  }
}

bool Worker::take_orders() {
  std::vector<Order> orders;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    orders.swap(orders_);
  }
  for (Order& order : orders) {
    if (order.transfer) {
      start(std::move(order));
    } else {
      drop(order.id);
    }
  }
  return true;
}

void Worker::start(Order order) {
  if (!order.origin) {
    deliver(*order.transfer, std::move(order.origin).error());
    return;
  }
  if (plain_way_.start(order.transfer, *order.origin)) return;
  start_in_library(std::move(order.transfer), *order.origin);
}

void Worker::start_in_library(std::unique_ptr<Transfer> transfer, const std::string& origin) {
  bool had_plain = false;
  CURL* const easy = lend(transfer->plain(), had_plain);
  if (easy == nullptr) {
    deliver(*transfer, Error(ErrorCode::kUnavailable, "no memory for a request"));
    return;
  }
  if (Result<void> ready = transfer->prepare(easy, options_.user_agent, tls_files_, had_plain);
      !ready) {
    deliver(*transfer, std::move(ready).error());
    release(easy, false);
    return;
  }
  Shard& shard = shard_for(origin);
  ++shard.in_flight;
  const std::uint64_t id = number(transfer->id());
  running_[id] = {std::move(transfer), &shard};
  curl_multi_add_handle(shard.multi, easy);
}

void Worker::drop(HttpCallId id) {
  if (plain_way_.drop(id)) return;
  const auto found = running_.find(number(id));
  if (found == running_.end()) return;
  CURL* easy = found->second.transfer->easy();
  curl_multi_remove_handle(found->second.shard->multi, easy);
  --found->second.shard->in_flight;
  running_.erase(found);
  release(easy, false);
}

// One server's requests meet on one shard, so that they find its kept connections.
Worker::Shard& Worker::shard_for(const std::string& origin) {
  const auto known = shard_of_.find(origin);
  if (known != shard_of_.end()) {
    Shard& shard = *shards_[known->second];
    if (shard.in_flight < options_.handles_per_shard) return shard;
  }
  const auto least =
      std::min_element(shards_.begin(), shards_.end(), [](const auto& a, const auto& b) {
        return std::pair(a->in_flight, a->origins) < std::pair(b->in_flight, b->origins);
      });
  const bool room = least != shards_.end() && (*least)->in_flight < options_.handles_per_shard &&
                    (*least)->origins < options_.handles_per_shard;
  Shard& shard = room ? **least : make_shard();
  if (known == shard_of_.end()) {
    if (shard_of_.size() >= kOriginsMax) {
      shard_of_.clear();
      for (const auto& s : shards_) s->origins = 0;
    }
    shard_of_[origin] = shard.index;
    ++shard.origins;
  }
  return shard;
}

Worker::Shard& Worker::make_shard() {
  auto shard = std::make_unique<Shard>();
  shard->worker = this;
  shard->index = shards_.size();
  shard->multi = curl_multi_init();
  curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, &Worker::on_socket);
  curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard.get());
  curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, &Worker::on_timer);
  curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard.get());
  curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS,
                    static_cast<long>(options_.handles_per_shard));
  shards_.push_back(std::move(shard));
  return *shards_.back();
}

int Worker::on_socket(CURL*, curl_socket_t fd, int what, void* shard_pointer, void* known) {
  auto& shard = *static_cast<Shard*>(shard_pointer);
  const int epoll = shard.worker->epoll_;
  if (what == CURL_POLL_REMOVE) {
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr);
    curl_multi_assign(shard.multi, fd, nullptr);
    return 0;
  }
  epoll_event event{};
  if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
  if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
  event.data.u64 = std::uint64_t{shard.index} << 32 | static_cast<std::uint32_t>(fd);
  if (::epoll_ctl(epoll, known != nullptr ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0) {
    // The number was closed and given out again behind our back: the other verb is right.
    ::epoll_ctl(epoll, known != nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
  }
  curl_multi_assign(shard.multi, fd, shard_pointer);  // any non-null: "in the epoll set"
  return 0;
}

int Worker::on_timer(CURLM*, long timeout_ms, void* shard_pointer) {
  auto& shard = *static_cast<Shard*>(shard_pointer);
  if (timeout_ms < 0) {
    shard.deadline.reset();
  } else {
    shard.deadline = shard.worker->clock_.elapsed() + Duration(timeout_ms);
  }
  return 0;
}

int Worker::wait_ms() const {
  std::optional<Instant> first = plain_way_.deadline();
  for (const auto& shard : shards_) {
    if (shard->deadline && (!first || *shard->deadline < *first)) first = shard->deadline;
  }
  if (!first) return -1;
  const auto left = std::chrono::ceil<Duration>(*first - clock_.elapsed()).count();
  return static_cast<int>(std::clamp<Duration::rep>(left, 0, 60'000));
}

void Worker::act(Shard& shard, curl_socket_t fd, int events) {
  int still_running = 0;
  curl_multi_socket_action(shard.multi, fd, events, &still_running);
  collect(shard);
}

void Worker::collect(Shard& shard) {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(shard.multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode code = message->data.result;
    void* pointer = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &pointer);
    const auto found = running_.find(number(static_cast<Transfer*>(pointer)->id()));
    const std::unique_ptr<Transfer> transfer = std::move(found->second.transfer);
    running_.erase(found);
    Result<HttpResponse> result = transfer->finish(code);
    curl_multi_remove_handle(shard.multi, easy);
    --shard.in_flight;
    release(easy, code == CURLE_OK && transfer->plain());
    deliver(*transfer, std::move(result));
  }
}

void Worker::deliver(Transfer& transfer, Result<HttpResponse> result) {
  {
    const std::lock_guard lock(mutex_);
    if (live_.erase(number(transfer.id())) == 0) return;  // cancelled
    delivering_ = transfer.id();
  }
  delivering_here = options_.works_on_answers;
  transfer.done()(std::move(result));
  delivering_here = false;
  transfer.done() = nullptr;  // what it holds goes before cancel() may return
  {
    const std::lock_guard lock(mutex_);
    delivering_ = HttpCallId::kNone;
  }
  delivered_.notify_all();
}

bool Worker::delivers_here() {
  return delivering_here;
}

// A handle to prepare: fresh, reset, or, for a plain transfer, one that had another of them.
CURL* Worker::lend(bool plain, bool& had_plain) {
  had_plain = plain && !idle_plain_.empty();
  std::vector<CURL*>& idle = had_plain ? idle_plain_ : idle_;
  if (idle.empty()) return curl_easy_init();
  CURL* const easy = idle.back();
  idle.pop_back();
  return easy;
}

// `as_is`: its options may stay, all but those that point into the transfer.
void Worker::release(CURL* easy, bool as_is) {
  if (as_is && idle_plain_.size() < options_.handles_per_shard) {
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, nullptr);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, nullptr);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, nullptr);
    idle_plain_.push_back(easy);
    return;
  }
  curl_easy_reset(easy);
  if (idle_.size() < options_.handles_per_shard) {
    idle_.push_back(easy);
  } else {
    curl_easy_cleanup(easy);
  }
}

}  // namespace nines::net
