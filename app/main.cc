// nines: keeps services available. All of it is in app/cli.
#include <malloc.h>

#include "app/cli/cli.h"

int main(int argc, char** argv) {
  // Memory that was needed once goes back to the system: bodies, pages and answers are large and
  // short-lived, and glibc would otherwise learn to keep them.
  ::mallopt(M_MMAP_THRESHOLD, 256 << 10);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 20);
  ::mallopt(M_ARENA_MAX, 4);
  return nines::app::run_command_line(argc, argv);
}
