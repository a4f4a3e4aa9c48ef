#pragma once
// Verbs that look into a data folder.

#include <cstddef>
#include <string>
#include <vector>

namespace nines::app {

struct StorageOptions {
  std::string data;   // the folder; empty: default_data_path()
  bool json = false;  // else tables for people
};

// Every segment of the ring.
int storage_list(const StorageOptions& options);
// Every checksum of a data folder or of a backup; kExitFailure when one does not hold.
int verify_storage(const StorageOptions& options);
int verify_backup(const StorageOptions& options);

// Opens the stores of a folder over memory, so that nothing is written to it.
struct AnalyzeOptions {
  StorageOptions storage;
  std::size_t top = 10;  // metrics, labels and targets shown; 0: all
  std::string config;    // whose [storage] quota counts; empty: the default shares
};
// Series, samples and churn by metric, label and target; bytes by class.
int storage_analyze(const AnalyzeOptions& options);

struct DumpVerbOptions {
  StorageOptions storage;
  std::string match;     // a series selector; empty: everything
  std::string from, to;  // RFC 3339 or seconds; empty: no bound
  std::string format = "openmetrics";
};
// Samples as text on stdout.
int storage_dump(const DumpVerbOptions& options);

struct BackupVerbOptions {
  std::string folder;  // of the backup
  std::string data;    // the data folder; empty: default_data_path()
  bool force = false;  // restore: replace what nines keeps in the data folder
  std::string rate_max;  // backup: bytes a second, as "20MiB"; empty: as fast as it goes
};
int backup_storage(const BackupVerbOptions& options);
int restore_storage(const BackupVerbOptions& options);

struct ImportOptions {
  std::vector<std::string> files;
  std::string format;  // openmetrics | prometheus
  std::string data;    // a folder nobody runs in; empty: default_data_path()
  std::string config;  // whose [storage] to open it with; empty: as it is
  std::string url;     // a running nines instead of a folder
};
// kExitFailure when a file has a mistake (then nothing is stored) or samples were refused.
int import_storage(const ImportOptions& options);

}  // namespace nines::app
