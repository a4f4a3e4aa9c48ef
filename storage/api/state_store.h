#pragma once
// Everything small that must survive, behind one door. Implemented over SQLite by storage/state.

#include "storage/api/alert_state.h"
#include "storage/api/incidents.h"
#include "storage/api/key_values.h"
#include "storage/api/outbox.h"
#include "storage/api/remediation_journal.h"
#include "storage/api/silences.h"
#include "storage/api/slo_ledger.h"

namespace nines::storage {

// Thread-safe. Errors: kIo (the text names the statement's purpose and SQLite's message).
class StateStore : public AlertStateStore,
                   public OutboxStore,
                   public SilenceStore,
                   public IncidentStore,
                   public RemediationJournal,
                   public SloLedger,
                   public KeyValueStore {};

}  // namespace nines::storage
