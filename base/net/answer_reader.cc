#include "base/net/internal/answer_reader.h"

#include <algorithm>
#include <utility>

#include "base/net/internal/http_text.h"
#include "base/text/text.h"

namespace nines::net {
namespace {

constexpr std::size_t kReserveMax = 1u << 20;  // of a body, on the word of its head alone

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The one header of that name; nothing when there are none or several.
struct Found {
  std::string_view value;
  int count = 0;
};

Found find(const HttpHeaders& headers, std::string_view name) {
  Found found;
  for (const auto& [key, value] : headers) {
    if (key != name) continue;
    found.value = value;
    ++found.count;
  }
  return found;
}

bool names_token(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (to_lower(trim(list.substr(0, comma))) == wanted) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

std::optional<std::size_t> length_of(std::string_view text) {
  constexpr std::size_t kDigitsMax = 18;  // 64 bits hold any
  if (text.empty() || text.size() > kDigitsMax) return std::nullopt;
  std::size_t length = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    length = length * 10 + static_cast<std::size_t>(c - '0');
  }
  return length;
}

}  // namespace

std::size_t AnswerReader::take(std::string_view bytes) {
  const std::size_t size = bytes.size();
  begun_ = begun_ || size > 0;
  while (!bytes.empty() && !over()) {
    if (state_ == State::kHead) {
      take_head(bytes);
    } else if (way_ == Way::kChunks) {
      take_chunks(bytes);
    } else {
      const std::size_t now = way_ == Way::kLength ? std::min(left_, bytes.size()) : bytes.size();
      body(bytes.substr(0, now));
      bytes.remove_prefix(now);
      if (way_ == Way::kToClose) continue;
      left_ -= now;
      if (left_ == 0 && !over()) finish();
    }
  }
  return size - bytes.size();
}

void AnswerReader::close() {
  if (over()) return;
  keeps_alive_ = false;
  if (state_ == State::kBody && way_ == Way::kToClose) return finish();
  if (!begun_) return fail({ErrorCode::kUnavailable, "connection closed without an answer"});
  const bool counted = state_ == State::kBody && way_ == Way::kLength;
  fail({ErrorCode::kUnavailable,
        counted ? "connection closed with " + std::to_string(left_) + " bytes remaining"
                : "connection closed in the middle of the answer"});
}

std::optional<std::string_view> AnswerReader::line(std::string_view& bytes) {
  const std::size_t feed = bytes.find('\n');
  const bool whole = feed != bytes.npos;
  const std::string_view piece = bytes.substr(0, whole ? feed + 1 : bytes.size());
  bytes.remove_prefix(piece.size());
  header_bytes_ += piece.size();
  line_bytes_ += piece.size();
  if (header_bytes_ > limits_.header_bytes_max) {
    fail({ErrorCode::kLimit, "answer has more than " + std::to_string(limits_.header_bytes_max) +
                                 " bytes of headers"});
    return std::nullopt;
  }
  std::string_view text = piece;
  if (!whole || !partial_.empty()) {
    partial_ += piece;
    if (!whole) return std::nullopt;
    text = partial_;
  }
  text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

void AnswerReader::take_head(std::string_view& bytes) {
  const std::optional<std::string_view> text = line(bytes);
  if (!text) {
    // Of what is no HTTP nobody waits for the end of its first line.
    constexpr std::string_view kBegin = "HTTP/1.";
    if (!has_status_ && !over() &&
        partial_.substr(0, kBegin.size()) !=
            kBegin.substr(0, std::min(partial_.size(), kBegin.size())))
      odd();
    return;
  }
  if (!has_status_) {
    status_line(*text);
  } else if (text->empty()) {
    end_head();
  } else {
    header_line(*text);
  }
  end_line();
}

// "HTTP/1.1 200 OK"
void AnswerReader::status_line(std::string_view text) {
  constexpr std::size_t kShortest = 12;
  if (text.size() < kShortest || !text.starts_with("HTTP/1.") ||
      (text[7] != '0' && text[7] != '1') || text[8] != ' ' || text[9] < '1' || text[9] > '9' ||
      !is_digit(text[10]) || !is_digit(text[11]) || (text.size() > kShortest && text[12] != ' '))
    return odd();
  has_status_ = true;
  response_.http_version = text[7] == '1' ? 11 : 10;
  response_.status = (text[9] - '0') * 100 + (text[10] - '0') * 10 + (text[11] - '0');
}

void AnswerReader::header_line(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == text.npos || !is_token(text.substr(0, colon))) return odd();  // folded lines, too
  const std::string_view value = trim(text.substr(colon + 1));
  if (!is_field_value(value)) return odd();
  response_.headers.emplace_back(to_lower(text.substr(0, colon)), std::string(value));
}

void AnswerReader::end_head() {
  const int status = response_.status;
  if (status < 200) {
    if (status == 101) return odd();  // nobody asked for another protocol
    has_status_ = false;              // another head follows
    response_.headers.clear();
    return;
  }
  const HttpHeaders& headers = response_.headers;
  const Found length = find(headers, "content-length");
  const Found coding = find(headers, "transfer-encoding");
  const Found connection = find(headers, "connection");
  if (length.count + coding.count > 1 || connection.count > 1) return odd();
  keeps_alive_ = response_.http_version == 11 ? !names_token(connection.value, "close")
                                              : names_token(connection.value, "keep-alive");
  state_ = State::kBody;
  const bool bare = status == 204 || status == 304;
  if (coding.count == 1) {
    if (bare || response_.http_version != 11 || to_lower(coding.value) != "chunked") return odd();
    way_ = Way::kChunks;
  } else if (length.count == 1 || bare) {
    const std::optional<std::size_t> bytes = bare ? 0 : length_of(length.value);
    if (!bytes) return odd();
    way_ = Way::kLength;
    left_ = *bytes;
  } else {
    keeps_alive_ = false;
  }
  const Found encoding = find(headers, "content-encoding");
  if (limits_.inflate && encoding.count > 0) {
    const std::string name = to_lower(encoding.value);
    if (encoding.count > 1) return odd();
    if (name == "gzip" || name == "x-gzip")
      inflater_ = std::make_unique<GzipInflater>(limits_.body_bytes_max);
  }
  if (!inflater_ && left_ > limits_.body_bytes_max) return fail(too_large());
  if (!inflater_) response_.body.reserve(std::min(left_, kReserveMax));
  if (way_ == Way::kLength && left_ == 0) finish();
}

void AnswerReader::take_chunks(std::string_view& bytes) {
  if (chunk_ == Chunk::kData) {
    const std::size_t now = std::min(left_, bytes.size());
    body(bytes.substr(0, now));
    bytes.remove_prefix(now);
    left_ -= now;
    if (left_ == 0) chunk_ = Chunk::kDataEnd;
    return;
  }
  const std::optional<std::string_view> text = line(bytes);
  if (!text) return;
  if (chunk_ == Chunk::kSize) {
    chunk_size(*text);
  } else if (chunk_ == Chunk::kDataEnd) {
    if (!text->empty()) return odd();
    header_bytes_ -= line_bytes_;  // a body may have any number of chunks
    chunk_ = Chunk::kSize;
  } else if (text->empty()) {
    finish();
  }
  end_line();
}

// Hexadecimal digits, and what may follow them behind a semicolon.
void AnswerReader::chunk_size(std::string_view text) {
  constexpr std::size_t kDigitsMax = 15;  // 64 bits hold any
  const std::string_view digits = trim(text.substr(0, text.find(';')));
  if (digits.empty() || digits.size() > kDigitsMax) return odd();
  left_ = 0;
  for (const char c : digits) {
    const char low = static_cast<char>(c | 0x20);
    const bool letter = low >= 'a' && low <= 'f';
    if (!letter && !is_digit(c)) return odd();
    left_ = left_ * 16 + static_cast<std::size_t>(letter ? low - 'a' + 10 : c - '0');
  }
  if (digits.size() == text.size()) header_bytes_ -= line_bytes_;
  chunk_ = left_ == 0 ? Chunk::kTrailer : Chunk::kData;
}

void AnswerReader::end_line() {
  partial_.clear();
  line_bytes_ = 0;
}

void AnswerReader::body(std::string_view bytes) {
  response_.wire_bytes += bytes.size();
  if (inflater_) {
    if (Result<void> fed = inflater_->feed(bytes, response_.body); !fed)
      fail(std::move(fed).error());
    return;
  }
  if (bytes.size() > limits_.body_bytes_max - response_.body.size()) return fail(too_large());
  response_.body.append(bytes);
}

Error AnswerReader::too_large() const {
  return {ErrorCode::kLimit,
          "answer is larger than " + std::to_string(limits_.body_bytes_max) + " bytes"};
}

void AnswerReader::finish() {
  if (inflater_) {
    if (Result<void> whole = inflater_->finish(); !whole) return fail(std::move(whole).error());
  }
  state_ = State::kDone;
}

void AnswerReader::fail(Error error) {
  error_ = std::move(error);
  state_ = State::kFailed;
}

}  // namespace nines::net
