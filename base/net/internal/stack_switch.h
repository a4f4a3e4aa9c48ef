#pragma once
// Tells AddressSanitizer and ThreadSanitizer when a thread goes on with another stack; nothing in
// any other build.

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define NINES_ASAN_STACKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NINES_ASAN_STACKS 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define NINES_TSAN_STACKS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NINES_TSAN_STACKS 1
#endif
#endif

#ifdef NINES_ASAN_STACKS
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef NINES_TSAN_STACKS
#include <sanitizer/tsan_interface.h>
#endif

namespace nines::net {

// What the sanitizers keep of one stack. Always: leave_for() right before the switch, arrived()
// right behind it, on the stack that goes on. Inline, so that neither has a frame on both sides.
// Source: sanitizer/common_interface_defs.h and sanitizer/tsan_interface.h of GCC and LLVM.
class StackNote {
 public:
  StackNote() = default;
  StackNote(const StackNote&) = delete;
  StackNote& operator=(const StackNote&) = delete;
#ifdef NINES_TSAN_STACKS
  ~StackNote() {
    if (own_) __tsan_destroy_fiber(tsan_);
  }
#endif

  // The stack of a fiber that is about to begin.
  void of_fiber([[maybe_unused]] const void* bottom, [[maybe_unused]] std::size_t bytes) {
#ifdef NINES_ASAN_STACKS
    bottom_ = bottom;
    bytes_ = bytes;
#endif
#ifdef NINES_TSAN_STACKS
    tsan_ = __tsan_create_fiber(0);
    own_ = true;
#endif
  }
  void of_this_thread() {
#ifdef NINES_TSAN_STACKS
    tsan_ = __tsan_get_current_fiber();
#endif
  }

  [[gnu::always_inline]] void leave_for([[maybe_unused]] StackNote& next,
                                        [[maybe_unused]] bool for_good) {
#ifdef NINES_ASAN_STACKS
    __sanitizer_start_switch_fiber(for_good ? nullptr : &fake_, next.bottom_, next.bytes_);
#endif
#ifdef NINES_TSAN_STACKS
    __tsan_switch_to_fiber(next.tsan_, 0);
#endif
  }
  // `from`, when not null, learns where the stack lies that was left.
  [[gnu::always_inline]] void arrived([[maybe_unused]] StackNote* from) {
#ifdef NINES_ASAN_STACKS
    const void* bottom = nullptr;
    std::size_t bytes = 0;
    __sanitizer_finish_switch_fiber(fake_, &bottom, &bytes);
    if (from != nullptr) {
      from->bottom_ = bottom;
      from->bytes_ = bytes;
    }
#endif
  }

 private:
#ifdef NINES_ASAN_STACKS
  const void* bottom_ = nullptr;
  std::size_t bytes_ = 0;
  void* fake_ = nullptr;  // the stack's frames that are watched for use after return
#endif
#ifdef NINES_TSAN_STACKS
  void* tsan_ = nullptr;
  bool own_ = false;
#endif
};

}  // namespace nines::net
