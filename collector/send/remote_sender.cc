#include "collector/send/remote_sender.h"

#include <memory>
#include <utility>

#include "collector/send/internal/tap.h"
#include "collector/send/internal/target.h"

namespace nines::collector {

struct RemoteSender::Impl {
  Impl(SenderParts p, std::vector<SendConfig> configs, const LabelSet& external_labels)
      : parts(p), targets(make(parts, std::move(configs), external_labels)), tap(p.store, targets) {}

  static std::vector<std::shared_ptr<SendTarget>> make(const SenderParts& parts,
                                                       std::vector<SendConfig> configs,
                                                       const LabelSet& external_labels) {
    std::vector<std::shared_ptr<SendTarget>> out;
    for (SendConfig& config : configs) {
      out.push_back(std::make_shared<SendTarget>(std::move(config), external_labels, parts));
    }
    return out;
  }

  const SenderParts parts;
  const std::vector<std::shared_ptr<SendTarget>> targets;  // timers and answers hold them weakly
  Tap tap;
};

RemoteSender::RemoteSender(SenderParts parts, std::vector<SendConfig> configs,
                           LabelSet external_labels)
    : impl_(std::make_unique<Impl>(parts, std::move(configs), external_labels)) {}

RemoteSender::~RemoteSender() {
  stop();
}

storage::Appender& RemoteSender::appender() {
  if (impl_->targets.empty()) return impl_->parts.store;
  return impl_->tap;
}

void RemoteSender::start() {
  for (const auto& target : impl_->targets) target->start();
}

void RemoteSender::stop() {
  for (const auto& target : impl_->targets) target->stop();
}

}  // namespace nines::collector
