#include "web/http/internal/engine.h"

#include <sys/eventfd.h>
#include <unistd.h>

// The shared library was built with it: httplib::Request must have the same shape here.
#define CPPHTTPLIB_OPENSSL_SUPPORT
#include <httplib.h>

namespace nines::web {
namespace {

class MemoryStream final : public httplib::Stream {
 public:
  explicit MemoryStream(std::string in) : in_(std::move(in)) {}
  bool is_readable() const override { return done_ < in_.size(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    const std::size_t n = in_.copy(to, size, done_);
    done_ += n;
    return static_cast<ssize_t>(n);
  }
  ssize_t write(const char* from, std::size_t size) override {
    if (body_ != nullptr && from == body_->data() && size == body_->size()) {
      taken_ = std::move(*body_);  // whole, and the last that is written
    } else {
      out_.append(from, size);
    }
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return 0; }
  std::string take() { return std::move(out_); }
  std::string take_body() { return std::move(taken_); }
  // The string to be taken when it is written. It must outlive the writing.
  void expect(std::string& body) { body_ = &body; }

 private:
  std::string in_;
  std::size_t done_ = 0;
  std::string out_;
  std::string* body_ = nullptr;
  std::string taken_;
};

class HttplibEngine final : public Engine, private httplib::Server {
 public:
  explicit HttplibEngine(EngineParts parts) : parts_(parts), guard_fd_(eventfd(0, EFD_CLOEXEC)) {
    // process_request() takes an invalid listener for "shutting down" and would cut answers short.
    // This one is nobody's socket: nothing is ever read from it or sent to it.
    svr_sock_ = guard_fd_;
    // The framer has read the request already, by stricter rules: what it says counts.
    set_pre_routing_handler([this](const httplib::Request&, httplib::Response& response) {
      run_handler(response);
      return HandlerResponse::Handled;
    });
    set_post_routing_handler(
        [this](const httplib::Request&, httplib::Response& response) { correct_head(response); });
    set_exception_handler([](const httplib::Request&, httplib::Response& response,
                             std::exception_ptr) { response.status = 500; });
  }
  ~HttplibEngine() override {
    svr_sock_ = -1;
    if (guard_fd_ >= 0) ::close(guard_fd_);
  }

  Answer answer(FramedRequest request, bool close) override {
    current_ = &request;
    status_ = 500;
    MemoryStream stream(request.method + " " + request.target + " HTTP/1.1\r\nHost: nines\r\n\r\n");
    stream_ = &stream;
    bool connection_closed = false;
    const bool served = process_request(stream, close, connection_closed, nullptr);
    Answer out{status_, stream.take(), stream.take_body()};
    if (!served || out.bytes.empty()) {
      out = {500, refusal_bytes(500, "internal server error", parts_.security), {}};
    }
    return out;
  }

 private:
  void run_handler(httplib::Response& out) {
    Result<Request> request = make_request(*current_, parts_.router);
    Response response = request ? dispatch(parts_.router, *request, parts_.log)
                                : text_response(400, request.error().what() + "\n");
    if (request) finish(response, *request, parts_.response_bytes_max);
    status_ = out.status = response.status;
    for (const auto& [name, value] : parts_.security) out.headers.emplace(name, value);
    for (auto& [name, value] : response.headers) out.headers.emplace(name, std::move(value));
    out.headers.emplace("Date", http_date(parts_.clock.now()));
    const std::string_view body = body_of(response);
    // An empty 200 says what it is, too: Prometheus refuses a scrape that does not.
    if (!body.empty() || response.status == 200) {
      out.headers.emplace("Content-Type", response.content_type);
    }
    if (response.static_body.data() != nullptr) {
      out.body.assign(response.static_body);
    } else {
      out.body = std::move(response.body);
    }
    stream_->expect(out.body);
  }

  // What the library adds by itself and is not true of this server.
  void correct_head(httplib::Response& response) const {
    response.headers.erase("Keep-Alive");
    response.headers.erase("Accept-Ranges");
    if (response.status == 204 || response.status == 304) response.headers.erase("Content-Length");
  }

  EngineParts parts_;
  int guard_fd_;
  FramedRequest* current_ = nullptr;  // of the answer() under way
  MemoryStream* stream_ = nullptr;
  int status_ = 500;
};

}  // namespace

std::unique_ptr<Engine> make_engine(EngineParts parts) {
  return std::make_unique<HttplibEngine>(parts);
}

}  // namespace nines::web
