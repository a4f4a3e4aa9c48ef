#pragma once
// Reads one HTTP/1.x answer to a GET as its bytes come: what most servers send, by the letter.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/core/result.h"
#include "base/net/http_client.h"
#include "base/net/inflate.h"

namespace nines::net {

struct AnswerLimits {
  std::size_t header_bytes_max = 64u << 10;  // lines of all heads, trailers and chunk sizes
  std::size_t body_bytes_max = 16u << 20;    // after inflation
  bool inflate = false;                      // gzip
};

// One answer, one thread. Anything that leaves room for two readings (two lengths, folded lines, a
// head that is no HTTP/1) is kOdd: a library that knows all of HTTP should ask again.
class AnswerReader {
 public:
  enum class State : std::uint8_t { kHead, kBody, kDone, kOdd, kFailed };

  explicit AnswerReader(const AnswerLimits& limits) : limits_(limits) {}

  // Takes bytes up to the end of the answer, or of itself: how many. What is left over belongs to
  // no answer.
  std::size_t take(std::string_view bytes);
  // The peer closes: kDone where that ends an answer, else kFailed (kUnavailable).
  void close();

  State state() const { return state_; }
  bool over() const { return state_ != State::kHead && state_ != State::kBody; }
  bool begun() const { return begun_; }  // a byte has come
  // After kFailed. kLimit: longer than it may be. kUnavailable: cut short, or no gzip.
  const Error& error() const { return *error_; }
  // After kDone: whether another request may follow on the connection.
  bool keeps_alive() const { return keeps_alive_; }
  // Bytes of the body that will come at least, as the head said.
  std::size_t announced() const { return way_ == Way::kLength ? left_ : 0; }
  // Status, headers and body so far.
  HttpResponse& response() { return response_; }

 private:
  enum class Way : std::uint8_t { kLength, kChunks, kToClose };
  enum class Chunk : std::uint8_t { kSize, kData, kDataEnd, kTrailer };

  void take_head(std::string_view& bytes);
  void take_chunks(std::string_view& bytes);
  // A line without its end, once it is whole. Nothing: it is not, and all bytes were taken.
  std::optional<std::string_view> line(std::string_view& bytes);
  void status_line(std::string_view text);
  void header_line(std::string_view text);
  void end_head();
  void chunk_size(std::string_view text);
  void end_line();
  void body(std::string_view bytes);
  Error too_large() const;
  void finish();
  void odd() { state_ = State::kOdd; }
  void fail(Error error);

  const AnswerLimits limits_;
  State state_ = State::kHead;
  Way way_ = Way::kToClose;
  Chunk chunk_ = Chunk::kSize;
  bool begun_ = false;
  bool has_status_ = false;
  bool keeps_alive_ = false;
  std::size_t header_bytes_ = 0;
  std::size_t line_bytes_ = 0;  // of the line so far
  std::size_t left_ = 0;        // of the body or the chunk
  std::string partial_;         // of a line
  HttpResponse response_;
  std::unique_ptr<GzipInflater> inflater_;
  std::optional<Error> error_;
};

}  // namespace nines::net
