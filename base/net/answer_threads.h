#pragma once
// An HTTP client whose threads do the work on its answers, too, rather than wake another one for
// it.

#include <cstddef>
#include <memory>
#include <string>

#include "base/core/scheduler.h"
#include "base/net/http_client.h"

namespace nines {

struct AnswerClientOptions {
  std::string name = "answers";  // of the threads, a number behind it; at most 12 bytes
  // Connections in plain HTTP/1.1, those of libcurl aside, that each thread keeps for a next
  // request.
  std::size_t idle_connections_max = 10'000;
  // Who is asked in this client's place for what needs a token: tokens are shared with its other
  // callers. Null: nobody. It must outlive this one.
  HttpClient* with_tokens = nullptr;
  HttpClientOptions http = {};
};

// As make_curl_http_client(), but a `done` may take its time: only others of this client wait.
std::unique_ptr<HttpClient> make_answer_http_client(const AnswerClientOptions& options);

// Runs at once what is posted from inside a `done` of such a client; anything else on `others`,
// which must outlive it.
std::unique_ptr<Executor> make_answer_executor(Executor& others);

}  // namespace nines
