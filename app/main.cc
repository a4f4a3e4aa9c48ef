// nines: keeps services available. All of it is in app/cli.
#include "app/cli/cli.h"

int main(int argc, char** argv) {
  return nines::app::run_command_line(argc, argv);
}
