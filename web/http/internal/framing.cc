#include "web/http/internal/framing.h"

#include <algorithm>
#include <array>

#include "base/text/text.h"

namespace nines::web {
namespace {

constexpr int kSkippedLinesMax = 2;

bool is_token_char(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Is `token` an element of the comma-separated list, in any case?
bool list_has(std::string_view list, std::string_view token) {
  const std::string lower = to_lower(list);
  for (const std::string_view item : split(lower, ',')) {
    if (trim_blanks(item) == token) return true;
  }
  return false;
}

constexpr std::array<std::string_view, 7> kMethods = {"GET",    "HEAD",    "POST", "PUT",
                                                      "DELETE", "OPTIONS", "PATCH"};

// Names the engine would fill in from the socket, ranges, and a coding that is undone: a handler
// does not see them.
bool is_dropped(std::string_view lower_name) {
  return lower_name.starts_with("remote_") || lower_name.starts_with("local_") ||
         lower_name == "range" || lower_name == "if-range" || lower_name == "transfer-encoding";
}

}  // namespace

std::string_view FramedRequest::header(std::string_view lower_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_name) return value;
  }
  return {};
}

std::string_view FramedRequest::query() const {
  const std::size_t mark = target.find('?');
  return mark == std::string::npos ? std::string_view{} : std::string_view(target).substr(mark + 1);
}

std::size_t RequestFramer::take(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && state_ == State::kHead) take_head_byte(bytes[used++]);
  if (state_ == State::kBody) used += take_body(bytes.substr(used));
  return used;
}

std::size_t RequestFramer::take_body(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && state_ == State::kBody) {
    if (body_left_ > 0) {
      const std::size_t n = std::min<std::uint64_t>(bytes.size() - used, body_left_);
      request_.body.append(bytes.substr(used, n));
      used += n;
      body_left_ -= n;
      if (body_left_ > 0) break;
      if (!chunked_) {
        state_ = State::kDone;
        break;
      }
      chunks_.data_over();
      continue;
    }
    switch (chunks_.take(bytes[used++])) {
      case ChunkReader::Step::kMore:
        break;
      case ChunkReader::Step::kData:
        body_left_ = chunks_.chunk_bytes();
        if (body_left_ > limits_->body_bytes_max - request_.body.size()) {
          refuse(413, "body too large");
        }
        break;
      case ChunkReader::Step::kEnd:
        state_ = State::kDone;
        break;
      case ChunkReader::Step::kBad:
        refuse(400, "malformed chunk");
        break;
    }
  }
  return used;
}

void RequestFramer::refuse(int status, std::string_view why) {
  state_ = State::kRefused;
  refusal_ = {status, why};
}

void RequestFramer::take_head_byte(char c) {
  if (head_.empty() && (c == '\r' || c == '\n' || skipped_cr_)) {
    // Old clients send an empty line after a body; a few are skipped.
    if (skipped_cr_ != (c == '\n') || (skipped_cr_ && ++skipped_lines_ > kSkippedLinesMax)) {
      return refuse(400, "malformed line end");
    }
    skipped_cr_ = !skipped_cr_;
    return;
  }
  if (c == '\0') return refuse(400, "NUL in the head");
  const char before = head_.empty() ? '\0' : head_.back();
  if ((before == '\r') != (c == '\n')) return refuse(400, "malformed line end");
  head_.push_back(c);
  if (c == '\n') {
    if (head_.ends_with("\r\n\r\n")) return parse_head();
    line_done_ = true;
  }
  if (!line_done_ && head_.size() > limits_->request_line_max + 1) {  // its CR may be there
    return refuse(414, "request line too long");
  }
  if (head_.size() >= limits_->head_bytes_max) return refuse(431, "head too large");
}

void RequestFramer::parse_head() {
  std::string_view rest(head_);
  rest.remove_suffix(2);  // the empty line
  const std::size_t line_end = rest.find("\r\n");
  if (line_end > limits_->request_line_max) return refuse(414, "request line too long");
  if (!parse_request_line(rest.substr(0, line_end))) return;
  rest.remove_prefix(line_end + 2);
  std::size_t count = 0;
  while (!rest.empty()) {
    const std::size_t end = rest.find("\r\n");
    if (++count > limits_->headers_max) return refuse(431, "too many headers");
    if (!parse_header(rest.substr(0, end))) return;
    rest.remove_prefix(end + 2);
  }
  if (!check_headers(http11_)) return;
  std::erase_if(request_.headers, [](const auto& h) { return is_dropped(h.first); });
  std::string().swap(head_);
  state_ = body_left_ == 0 && !chunked_ ? State::kDone : State::kBody;
}

bool RequestFramer::parse_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    refuse(400, "malformed request line");
    return false;
  }
  const std::string_view method = line.substr(0, first);
  const std::string_view version = line.substr(last + 1);
  request_.method = method;
  request_.target = line.substr(first + 1, last - first - 1);
  if (!is_token(method) || !version.starts_with("HTTP/")) {
    refuse(400, "malformed request line");
    return false;
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    refuse(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    return false;
  }
  if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end()) {
    refuse(501, "method not implemented");
    return false;
  }
  http11_ = version == "HTTP/1.1";
  return parse_target();
}

// Only origin-form ("/path?query"): nines is no proxy. Line ends may stand in the query, where they
// are white space of PromQL, never in the path.
bool RequestFramer::parse_target() {
  const std::string_view target = request_.target;
  const bool clean = std::none_of(target.begin(), target.end(),
                                  [](char c) { return is_control(c) || c == ' ' || c == '#'; });
  if (!target.starts_with('/') || !clean) {
    refuse(400, "malformed request target");
    return false;
  }
  const std::optional<std::string> path = url_decode(target.substr(0, target.find('?')), false);
  if (!path || std::any_of(path->begin(), path->end(), is_control)) {
    refuse(400, "malformed request target");
    return false;
  }
  const std::optional<std::string> query = url_decode(request_.query(), true);
  if (!query || query->find('\0') != std::string::npos) {
    refuse(400, "malformed query string");
    return false;
  }
  request_.path = *path;
  return true;
}

bool RequestFramer::parse_header(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    refuse(400, "malformed header");  // a folded line begins with a blank and ends up here too
    return false;
  }
  const std::string_view value = trim_blanks(line.substr(colon + 1));
  if (std::any_of(value.begin(), value.end(), [](char c) { return is_control(c) && c != '\t'; })) {
    refuse(400, "control character in a header");
    return false;
  }
  request_.headers.emplace_back(to_lower(line.substr(0, colon)), value);
  return true;
}

bool RequestFramer::check_headers(bool http11) {
  std::size_t hosts = 0;
  std::size_t lengths = 0;
  std::size_t codings = 0;
  std::string_view length;
  std::string_view coding;
  request_.keep_alive = http11;
  for (const auto& [name, value] : request_.headers) {
    if (name == "host") ++hosts;
    if (name == "connection" && list_has(value, "close")) request_.keep_alive = false;
    if (name == "content-length") {
      ++lengths;
      length = value;
    }
    if (name == "transfer-encoding") {
      ++codings;
      coding = value;
    }
    // Its route's own business, where it has one that takes them; nobody below unpacks unasked.
    if (name == "content-encoding" && !value.empty() && to_lower(value) != "identity" &&
        to_lower(value) != "snappy" && to_lower(value) != "gzip" && to_lower(value) != "zstd") {
      refuse(415, "encoded request bodies are not taken");
      return false;
    }
    if (name == "content-type" && to_lower(value).starts_with("multipart/")) {
      refuse(415, "multipart bodies are not taken");
      return false;
    }
    if (name == "expect") {
      if (to_lower(value) != "100-continue") {
        refuse(417, "unknown expectation");
        return false;
      }
      request_.expects_continue = http11;
    }
  }
  if (hosts > 1 || (http11 && hosts == 0)) {
    refuse(400, "exactly one Host header is needed");
    return false;
  }
  if (codings > 0) {
    if (lengths > 0) {
      refuse(400, "both Content-Length and Transfer-Encoding");
    } else if (codings > 1 || !http11) {
      refuse(400, "malformed Transfer-Encoding");
    } else if (to_lower(coding) != "chunked") {
      refuse(501, "transfer coding not implemented");
    } else {
      chunked_ = true;
    }
    return chunked_;
  }
  if (lengths > 1) {
    refuse(400, "more than one Content-Length");
    return false;
  }
  return lengths == 0 || read_length(length);
}

bool RequestFramer::read_length(std::string_view length) {
  const bool digits = !length.empty() && std::all_of(length.begin(), length.end(),
                                                     [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) {
    refuse(400, "malformed Content-Length");
    return false;
  }
  std::uint64_t bytes = 0;
  for (const char c : length) {
    bytes = bytes * 10 + static_cast<std::uint64_t>(c - '0');
    if (bytes > limits_->body_bytes_max) {
      refuse(413, "body too large");
      return false;
    }
  }
  body_left_ = bytes;
  return true;
}

bool parse_form(std::string_view text, std::vector<std::pair<std::string, std::string>>& out) {
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    std::optional<std::string> key = url_decode(pair.substr(0, equals), true);
    std::optional<std::string> value = equals == std::string_view::npos
                                           ? std::string()
                                           : url_decode(pair.substr(equals + 1), true);
    if (!key || !value) return false;
    out.emplace_back(std::move(*key), std::move(*value));
  }
  return true;
}

}  // namespace nines::web
