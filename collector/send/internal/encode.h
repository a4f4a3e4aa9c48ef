#pragma once
// The messages of remote write, written.

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "base/model/sample.h"
#include "base/net/http_client.h"
#include "collector/send/internal/item.h"
#include "collector/send/remote_sender.h"

namespace nines::collector {

using MetadataMap = std::map<std::string, Metadata>;

// prometheus.WriteRequest, or io.prometheus.write.v2.Request with metadata of the families it
// knows. Not compressed.
std::string encode_v1(std::span<const SendItem> items);
std::string encode_v2(std::span<const SendItem> items, const MetadataMap& metadata);
// prometheus.WriteRequest with metadata alone.
std::string encode_metadata(MetadataMap::const_iterator from, MetadataMap::const_iterator to);

// A POST of the message, compressed, with the headers of that version.
HttpRequest make_send_request(const SendConfig& config, SendProtocol protocol,
                              const std::string& message);

}  // namespace nines::collector
