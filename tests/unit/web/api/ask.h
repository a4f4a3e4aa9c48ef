#pragma once
// Asks a router as a client would, without a socket.

#include <string>
#include <utility>
#include <vector>

#include "web/http/http.h"

namespace nines::testing {

struct Ask {
  const web::Router& router;

  web::Response operator()(std::string method, std::string path,
                           std::vector<std::pair<std::string, std::string>> params = {},
                           std::string body = {},
                           std::vector<std::pair<std::string, std::string>> headers = {}) const {
    web::Request request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.params = std::move(params);
    request.body = std::move(body);
    request.headers = std::move(headers);
    const web::Router::Match match = router.find(request.method, request.path);
    if (match.handler != nullptr) return (*match.handler)(request);
    return web::text_response(match.allow.empty() ? 404 : 405, match.allow);
  }
  web::Response get(std::string path,
                    std::vector<std::pair<std::string, std::string>> params = {}) const {
    return (*this)("GET", std::move(path), std::move(params));
  }
};

}  // namespace nines::testing
