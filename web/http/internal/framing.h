#pragma once
// Cuts a byte stream into whole HTTP/1.x requests, strictly: what two parsers could read in two
// ways is refused. Sources: RFC 9112 (message syntax), RFC 9110 sections 5.5 and 8.6.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "web/http/http.h"
#include "web/http/internal/chunk_reader.h"

namespace nines::web {

struct FrameLimits {
  std::size_t head_bytes_max = 16u << 10;  // request line, headers and the empty line
  std::size_t headers_max = 100;
  std::size_t body_bytes_max = 16u << 20;
  std::size_t request_line_max = 8'190;  // the engine answers 414 itself at 8,192 with its CRLF
};

struct FramedRequest {
  std::string method;
  std::string target;                                        // as sent
  std::string path;                                          // decoded, without the query
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, values trimmed
  std::string body;
  std::string remote;                   // set by the front
  std::shared_ptr<ClientWatch> client;  // by the front, where somebody may want to know
  bool keep_alive = true;
  bool expects_continue = false;

  std::string_view header(std::string_view lower_name) const;
  std::string_view query() const;  // of the target, as sent
};

struct Refusal {
  int status = 400;
  std::string_view why;  // a literal
};

// Reads one request. The answer does not depend on how the bytes were cut into pieces.
class RequestFramer {
 public:
  enum class State : std::uint8_t { kHead, kBody, kDone, kRefused };

  explicit RequestFramer(const FrameLimits& limits) : limits_(&limits) {}

  // Takes the bytes that belong to this request and says how many; the rest is the next one's.
  std::size_t take(std::string_view bytes);
  State state() const { return state_; }
  bool started() const { return state_ != State::kHead || !head_.empty(); }
  const Refusal& refusal() const { return refusal_; }  // of kRefused
  // What is known so far: the head once state() is kBody, all of it at kDone.
  FramedRequest& request() { return request_; }

 private:
  void take_head_byte(char c);
  std::size_t take_body(std::string_view bytes);
  void refuse(int status, std::string_view why);
  void parse_head();
  bool parse_request_line(std::string_view line);
  bool parse_target();
  bool parse_header(std::string_view line);
  bool check_headers(bool http11);
  bool read_length(std::string_view length);

  const FrameLimits* limits_;
  State state_ = State::kHead;
  Refusal refusal_;
  bool skipped_cr_ = false;  // inside an empty line ahead of the request line
  int skipped_lines_ = 0;
  bool line_done_ = false;  // the request line has ended
  bool http11_ = true;
  std::string head_;
  std::uint64_t body_left_ = 0;  // of a chunk, when there are chunks
  bool chunked_ = false;
  ChunkReader chunks_;
  FramedRequest request_;
};

// key=value&... decoded, appended in order. False when an escape is malformed.
bool parse_form(std::string_view text, std::vector<std::pair<std::string, std::string>>& out);

}  // namespace nines::web
