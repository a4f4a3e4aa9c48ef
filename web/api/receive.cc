// POST /api/v1/write: Prometheus remote write, 1.0 and 2.0.
#include <string>

#include "web/api/internal/families.h"
#include "web/api/internal/guard.h"

namespace nines::web {

void add_receive(Router& router, const Parts& parts) {
  const auto write = [parts](const Request& request) {
    const collector::RemoteWriteAnswer answer = parts->remote_write.take(
        request.header("content-type"), request.header("content-encoding"), request.body);
    Response response = text_response(answer.status, answer.text.empty() ? "" : answer.text + "\n");
    if (answer.counted) {
      const std::string prefix = "X-Prometheus-Remote-Write-";
      response.headers.emplace_back(prefix + "Samples-Written", std::to_string(answer.samples));
      response.headers.emplace_back(prefix + "Histograms-Written",
                                    std::to_string(answer.histograms));
      response.headers.emplace_back(prefix + "Exemplars-Written", std::to_string(answer.exemplars));
    }
    return response;
  };
  router.add("POST", "/api/v1/write", Pool::kFast, same_origin_only(write));
}

}  // namespace nines::web
