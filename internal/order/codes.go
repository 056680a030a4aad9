package order

// Code is a short stable word for why work waits, is held or has failed. Codes
// are stored, shown to the owner and compared, so each has one meaning: what a
// provider answers never shares a code with what the marketplace answers.
// docs/codes.md lists them for owners.
type Code string

// Alert names a fact about the whole daemon that the owner sees until it is over.
type Alert string

// Code returns the word by which status shows the alert.
func (a Alert) Code() Code { return Code(AlertFact + a) }

// AlertFact begins the names of the stored facts that are alerts.
const AlertFact = "alert."

// The marketplace's codes: what it answers, and where its orders stand.
const (
	// AlertKey: the marketplace refuses the API key. The owner replaces it.
	AlertKey Alert = "key"
	// AlertFlaggedAgent: the marketplace's moderation has flagged the agent. The owner changes its name or description.
	AlertFlaggedAgent Alert = "flagged_agent"
	// AlertFlaggedService: the marketplace's moderation has flagged services. The owner changes their texts.
	AlertFlaggedService Alert = "flagged_service"
	// AlertForeignAgent: new credentials belong to another agent than the ledger and are not used. The owner puts the agent's own in place.
	AlertForeignAgent Alert = "foreign_agent"
	// AlertRestored: the ledger was restored from a copy and lacks what was done since. The owner compares the accounts and accepts it.
	AlertRestored Alert = "restored"
	// AlertPoll: no poll has worked for hours. The owner reads why; work on known orders continues.
	AlertPoll Alert = "poll"
	// AlertThreads: messages could not be read for hours. The owner reads why; work that needs none continues.
	AlertThreads Alert = "threads"
	// AlertSecondDaemon: somebody else works as this agent, so nothing new is paid for or sent. The owner stops the other one and accepts it.
	AlertSecondDaemon Alert = "second_daemon"
	// AlertLease: the lease that keeps other hosts away cannot be renewed, so nothing new is paid for or sent. Work resumes by itself.
	AlertLease Alert = "lease"
	// AlertReload: a changed configuration cannot be used, so the old one stays in use.
	// A start, or a reload that succeeds, ends it.
	AlertReload Alert = "reload"
	// AlertPaused: the owner has paused the daemon, which begins no work. The owner resumes it.
	AlertPaused Alert = "paused"
	// AlertServicePaused: the owner has paused the service, for which no work begins. The owner resumes it.
	AlertServicePaused Alert = "service_paused"

	// AlertUnreachable: no poll was answered for at least ten minutes. The owner checks the network.
	AlertUnreachable Alert = "unreachable"
	// AlertDeadline: the order is due within the hour and not delivered. The owner looks at it.
	AlertDeadline Alert = "deadline"
	// AlertUnanswered: the client of the order wrote hours ago and has no answer. The owner answers.
	AlertUnanswered Alert = "unanswered"
	// AlertHidden: the marketplace hides the agent from clients. The owner sets its wallets.
	AlertHidden Alert = "hidden"
	// AlertPayout: completed orders show no payout days later. The owner asks for it again.
	AlertPayout Alert = "payout"

	// CodePayoutFailed: the marketplace reports that the payout of a completed order failed. The owner asks for it again.
	CodePayoutFailed Code = "payout_failed"
	// CodeListingDiffers: what the marketplace sells is not as it is configured. The owner syncs it.
	CodeListingDiffers Code = "listing_differs"
	// CodeKeyRefused: the marketplace refuses the API key (401). The owner replaces it.
	CodeKeyRefused Code = "key_refused"
	// CodeForbidden: the key does not belong to the agent id (403). The owner replaces one of them.
	CodeForbidden Code = "forbidden"
	// CodeNoKey: there is no agent id or no API key. The owner registers or sets them.
	CodeNoKey Code = "no_key"
	// CodeBudget: no request is left in this window. Work resumes by itself.
	CodeBudget Code = "budget"
	// CodeRateLimited: the marketplace asks for a pause (429). Work resumes by itself.
	CodeRateLimited Code = "rate_limited"
	// CodeUnreachable: the request did not leave the host. It is sent again; the owner checks the network.
	CodeUnreachable Code = "unreachable"
	// CodeNoAnswer: a request was sent and its answer was lost. The daemon looks before it sends again.
	CodeNoAnswer Code = "no_answer"
	// CodeServerError: the marketplace failed (5xx). It is asked again.
	CodeServerError Code = "server_error"
	// CodeUnexpected: an odd answer, often from a proxy. It is asked again.
	CodeUnexpected Code = "unexpected"
	// CodeMoved: the marketplace is at another address. The owner changes base_url.
	CodeMoved Code = "moved"
	// CodeNotFound: the marketplace does not know what was asked for. It cannot be fixed.
	CodeNotFound Code = "not_found"
	// CodeConflict: the marketplace has it already. Nobody needs to fix it.
	CodeConflict Code = "conflict"
	// CodeRejected: the marketplace refuses the request. Its text says why.
	CodeRejected Code = "rejected"
	// CodeTooLarge: the file is too large for the marketplace. The owner has it made smaller.
	CodeTooLarge Code = "too_large"
	// CodeBlobRefused: the blob store refuses an upload. It is tried with a new token.
	CodeBlobRefused Code = "blob_refused"
	// CodeBadID: an id cannot stand in an address. It cannot be fixed.
	CodeBadID Code = "bad_id"
	// CodeBadAddress: the marketplace named an address that no file may be sent to. It is asked again.
	CodeBadAddress Code = "bad_address"
	// CodeSettling: a request without an answer may still take effect. The daemon looks again by itself.
	CodeSettling Code = "settling"
	// CodeNeverArrived: sent several times without an answer, and never arrived. The owner looks and retries.
	CodeNeverArrived Code = "never_arrived"
	// CodeUnclear: the marketplace does not show whether a delivery arrived. The owner looks and retries.
	CodeUnclear Code = "unclear"
	// CodeEnded: the order takes no delivery now. Work resumes by itself if it does again.
	CodeEnded Code = "ended"
	// CodeNotNow: the order takes no message now. It is sent once the order does.
	CodeNotNow Code = "not_now"
	// CodeThreadFull: the thread has nearly as many messages as the marketplace shows. Later ones come by webhook only.
	CodeThreadFull Code = "thread_full"
	// CodeChecking: this process has not yet compared the ledger with the marketplace. Work resumes by itself.
	CodeChecking Code = "checking"
	// CodeSecondDaemon: somebody else works as this agent, so nothing new is paid for or sent. The owner stops the other one and accepts it.
	CodeSecondDaemon Code = "second_daemon"
	// CodeLease: the lease that keeps other hosts away is not renewed. Work resumes by itself.
	CodeLease Code = "lease"
	// CodeNotListed: the marketplace does not list the order at the moment. The daemon looks again.
	CodeNotListed Code = "not_listed"
	// CodeNotSeen: this run has not seen the order open lately, so nothing new is paid for it. Work resumes by itself.
	CodeNotSeen Code = "not_seen"
	// CodeVanished: the marketplace no longer lists the order. Work resumes by itself if it comes back.
	CodeVanished Code = "vanished"
	// CodeNotShown: delivered, and the marketplace does not show it. The owner looks there.
	CodeNotShown Code = "not_shown"
	// CodeQuoteNotShown: quoted, and the marketplace still waits for a quote. The owner looks or quotes again.
	CodeQuoteNotShown Code = "quote_not_shown"
	// CodeWindow: the window of a subscription is open, or its pieces are being made. Work resumes by itself.
	CodeWindow Code = "window"
	// CodeRowUnreadable: an order of a listing cannot be read. The owner looks at it there.
	CodeRowUnreadable Code = "unreadable"
	// CodeOrderTooLarge: the marketplace's answer about an order is too large to work on. The owner settles it with the client.
	CodeOrderTooLarge Code = "order_too_large"
	// CodeThreadTooLarge: the thread of an order is too large to read. The owner retries without it.
	CodeThreadTooLarge Code = "thread_too_large"
	// CodeCompleted: the marketplace has completed the order, which ended the work.
	CodeCompleted Code = "completed"
	// CodeCancelled: the order was cancelled, which ended the work.
	CodeCancelled Code = "cancelled"
	// CodeDelivered: somebody else delivered the round, which ended the work.
	CodeDelivered Code = "delivered"
)

// The generators' codes: what providers and the owner's programs answer, and
// what is wrong with what they made.
const (
	// AlertGenerator: the generator named after the dot is paused. It is probed, and the owner fixes its cause.
	AlertGenerator Alert = "generator."
	// AlertModel: the provider's list says that the model of the generator named after the dot ends. The owner chooses another.
	AlertModel Alert = "model."

	// CodePaused: the generator is paused after failures. It is probed, and work resumes by itself.
	CodePaused Code = "paused"
	// CodeProviderKeyRefused: the provider refuses the generator's key. The owner replaces it.
	CodeProviderKeyRefused Code = "provider_key_refused"
	// CodeProviderKeyMissing: the generator's key cannot be read. The owner sets it.
	CodeProviderKeyMissing Code = "provider_key_missing"
	// CodeNoCredit: the account at the provider is empty. The owner pays.
	CodeNoCredit Code = "no_credit"
	// CodeProviderNotFound: the provider does not know the address or the model. The owner corrects them.
	CodeProviderNotFound Code = "provider_not_found"
	// CodeProviderRedirected: the provider is at another address, which gets no key. The owner changes base_url.
	CodeProviderRedirected Code = "redirected"
	// CodeElsewhere: the provider names an address at another host, which gets no key. The owner decides.
	CodeElsewhere Code = "elsewhere"
	// CodeProviderRejected: the provider does not take the request. The owner changes model or params.
	CodeProviderRejected Code = "provider_rejected"
	// CodeProviderRateLimited: the provider asks for a pause (429). Work resumes by itself.
	CodeProviderRateLimited Code = "provider_rate_limited"
	// CodeProviderUnreachable: the request did not reach the provider. It is sent again.
	CodeProviderUnreachable Code = "provider_unreachable"
	// CodeProviderNoAnswer: the provider's answer was lost. A paid call may have begun.
	CodeProviderNoAnswer Code = "provider_no_answer"
	// CodeOutage: the provider is down. It is asked again.
	CodeOutage Code = "outage"
	// CodeProviderFailed: the provider's job failed. Another call is made.
	CodeProviderFailed Code = "provider"
	// CodeBadAnswer: the provider's answer is of no use. The owner looks at the account and retries.
	CodeBadAnswer Code = "bad_answer"
	// CodeProviderTooLarge: the provider's answer or file is too large. The owner asks for less.
	CodeProviderTooLarge Code = "provider_too_large"
	// CodeKeyReused: the provider knows the call's key with another request. The owner looks at the account and retries.
	CodeKeyReused Code = "key_reused"
	// CodeBusy: the service still works on the call. It is asked again.
	CodeBusy Code = "busy"
	// CodeSlow: the provider's job takes long. It is asked again.
	CodeSlow Code = "slow"
	// CodeOverdue: the provider's job has no result after a day. The owner retries, or gives it up.
	CodeOverdue Code = "overdue"
	// CodeExpired: the provider does not have the job or its result. It is asked for a while, then held: only a redo pays again.
	CodeExpired Code = "expired"
	// CodeNotVisible: the provider says that the job is done, and shows no result. It is asked for a while, then held: only a redo pays again.
	CodeNotVisible Code = "not_visible"
	// CodeFetch: the result could not be fetched this time. It is fetched again, and not paid for again.
	CodeFetch Code = "fetch"
	// CodeNotFetched: the result cannot be fetched. The owner changes what forbids it.
	CodeNotFetched Code = "not_fetched"
	// CodeRefused: a generator refuses to make the order. An answer, not a fault.
	CodeRefused Code = "refused"
	// CodeTryLater: the owner's program cannot work now. It is run again until the order is due, then held.
	CodeTryLater Code = "try_later"
	// CodeNoWorker: no worker on another machine takes the call. Another generator stands in, or work resumes by itself.
	CodeNoWorker Code = "no_worker"
	// CodeWorkersBusy: every worker on other machines has a call. Work begins by itself as soon as one is free.
	CodeWorkersBusy Code = "workers_busy"
	// CodeWorkerLost: the worker of a call was lost before the provider's id was known, or with a generator on its own machine, so it may have been paid for. The owner decides, or another call is made.
	CodeWorkerLost Code = "worker_lost"
	// CodeJobLost: the owner's server has lost the job, as in a restart. It is made again.
	CodeJobLost Code = "job_lost"
	// CodeMisconfigured: the generator is not set up. The owner corrects its configuration.
	CodeMisconfigured Code = "misconfigured"
	// CodeSelfCheck: the owner's program fails its own check. The owner fixes it.
	CodeSelfCheck Code = "self_check"
	// CodeNotStarted: the owner's program could not be started this time. It is run again.
	CodeNotStarted Code = "start"
	// CodeExit: the owner's program exited with an error. It is run again.
	CodeExit Code = "exit"
	// CodeSignal: a signal ended the owner's program. It is run again.
	CodeSignal Code = "signal"
	// CodeTimeout: the owner's program took too long and was stopped. It is run again.
	CodeTimeout Code = "timeout"
	// CodeFlooded: the owner's program wrote too much to stdout and was stopped. It is run again.
	CodeFlooded Code = "flooded"
	// CodeOrphan: an earlier run still writes to the output folder. It is tried again.
	CodeOrphan Code = "orphan"
	// CodeBadOutput: the output does not follow the protocol. The owner fixes the program.
	CodeBadOutput Code = "bad_output"
	// CodeBadRequest: the order cannot be put into a request. Only a change of the order fixes it.
	CodeBadRequest Code = "bad_request"
	// CodeNoOutput: the generator made no file. A model that may do better is asked again a few times; else the owner decides.
	CodeNoOutput Code = "no_output"
	// CodeBadFile: a file is damaged, or not as the service requires. It is made again, and held the second time.
	CodeBadFile Code = "bad_file"
	// CodeDuplicate: the generator made a file that exists already. It is made again.
	CodeDuplicate Code = "duplicate"
	// CodeSameAgain: the generator made the file that the client has sent back. It is made again.
	CodeSameAgain Code = "same_again"
	// CodeVetoed: the service's check refuses the files. They are made again.
	CodeVetoed Code = "vetoed"
	// CodeCheck: the service's check failed. The owner fixes the check.
	CodeCheck Code = "check"
	// CodeReference: a picture of the client cannot be read or sent. It is tried again, or the owner decides.
	CodeReference Code = "reference"
)

// The host's codes: what this machine or the daemon met. They are never the
// order's fault.
const (
	// AlertDatabase: the database's file was removed, emptied or replaced while the daemon runs. The owner stops it.
	AlertDatabase Alert = "database"
	// AlertNotify: the target of notifications named after the dot takes no message. The owner corrects it.
	AlertNotify Alert = "notify."
	// AlertSample: the sample of a generator is open: it may be paid for, and its result is not here. The owner resumes it or gives it up.
	AlertSample Alert = "sample"
	// AlertCrashed: the daemon ended without stopping, and was started again within the hour. The owner reads why in the log.
	AlertCrashed Alert = "crashed"
	// AlertBackup: a backup by the section [backup] failed, or does not get on. The owner corrects where it goes to.
	AlertBackup Alert = "backup"
	// AlertStorage: the storage of [storage] failed. The owner corrects it; files go to the marketplace meanwhile.
	AlertStorage Alert = "storage"
	// AlertSharedCount: the count that agents on one address share cannot be used, and the daemon counts alone. The owner corrects the folder.
	AlertSharedCount Alert = "shared_count"
	// AlertHistory: something that is kept too long cannot be removed. The owner removes it; the rest is pruned.
	AlertHistory Alert = "history"
	// AlertDisk: the disk is nearly full. The owner makes room; work resumes by itself.
	AlertDisk Alert = "disk"

	// CodeError: a failure without a code of its own. It is tried again.
	CodeError Code = "error"
	// CodePanic: a stage hit a bug of the daemon. The owner reports it and retries.
	CodePanic Code = "panic"
	// CodeCrashed: the daemon ended during the attempt, which does not count.
	CodeCrashed Code = "crashed"
	// CodeCrashes: the daemon ended during the same work several times. The owner looks at the log and retries.
	CodeCrashes Code = "crashes"
	// CodeStopped: the daemon was stopped. The attempt does not count.
	CodeStopped Code = "stopped"
	// CodeLeaseLost: the job belongs to another worker, or its order has ended.
	CodeLeaseLost Code = "lease_lost"
	// CodeUnknownStage: a newer version began the work. The owner installs it again.
	CodeUnknownStage Code = "unknown_stage"
	// CodeDiskFull: the disk is full. The owner makes room; work resumes by itself.
	CodeDiskFull Code = "disk_full"
	// CodeDiskFailed: the disk cannot be read or written. The owner looks at it; work resumes by itself.
	CodeDiskFailed Code = "disk_failed"
	// CodeNoDescriptors: the process has no file descriptors left. The owner raises its limit; work resumes by itself.
	CodeNoDescriptors Code = "no_descriptors"
	// CodeNoMemory: the machine has no memory left. Work resumes by itself.
	CodeNoMemory Code = "no_memory"
	// CodeNoProcesses: the machine starts no more processes. The owner raises the limit; work resumes by itself.
	CodeNoProcesses Code = "no_processes"
	// CodeOutputDir: the output folder cannot be used. It is tried again; the owner looks at the disk.
	CodeOutputDir Code = "output_dir"
	// CodeNotNoted: the result could not be written down. It is tried again.
	CodeNotNoted Code = "not_noted"
	// CodeNotCounted: a request could not be counted, so it was not sent. It is tried again.
	CodeNotCounted Code = "not_counted"
	// CodeTicket: the provider's job id could not be stored. The call counts as unknown.
	CodeTicket Code = "ticket"
	// CodeFileUnreadable: a file cannot be read. It is tried again.
	CodeFileUnreadable Code = "file_unreadable"
	// CodeFileChanged: a file changed while it was sent. It is sent again.
	CodeFileChanged Code = "file_changed"
	// CodeFileGone: an accepted file is gone or has changed. The owner restores it, or has it made again.
	CodeFileGone Code = "file_gone"
	// CodeStorage: the owner's storage fails, and no upload to the marketplace is left. It is tried again.
	CodeStorage Code = "storage"
	// CodeNotUploaded: a file to deliver was never uploaded. The owner has the round made again.
	CodeNotUploaded Code = "not_uploaded"
	// CodeNoFiles: there are no files to deliver. The owner has the round made again.
	CodeNoFiles Code = "no_files"
	// CodeRowDamaged: a row of the database cannot be read. The owner checks the disk and retries.
	CodeRowDamaged Code = "row_damaged"
	// CodeNoPrice: there is no price to ask for. The owner quotes.
	CodeNoPrice Code = "no_price"
	// CodeNoPiece: nobody asked for this piece. The owner looks at the thread.
	CodeNoPiece Code = "no_piece"
)

// The owner's codes: what the owner has set, decides or has to decide.
const (
	// AlertWallet: no payout wallet is set at the marketplace. The owner sets it.
	AlertWallet Alert = "wallet"
	// AlertOwner: the agent has no owner, so no bounty is claimed. The owner sets the wallet.
	AlertOwner Alert = "owner"
	// AlertSpending: the day's cap is reached. The owner raises it, or waits.
	AlertSpending Alert = "spending"

	// AlertWindow: a paid window ends soon, and its service makes nothing for it. The owner lets it make pieces.
	AlertWindow Alert = "window"

	// CodeListingRules: the marketplace would refuse the profile, or it is an example's. The owner corrects it.
	CodeListingRules Code = "listing_rules"
	// CodeOwner: the owner has cancelled the work. Only the owner reopens it.
	CodeOwner Code = "owner"
	// CodeReview: made or priced, and waits for the owner's approval.
	CodeReview Code = "review"
	// CodeDraft: a reply of the assistant waits for the owner, who sends or discards it.
	CodeDraft Code = "draft"
	// CodeApproved: approved, and goes to the client in a moment. Until then the owner can take that back.
	CodeApproved Code = "approved"
	// CodeDryRun: made or priced, and not sent, because the service is in mode dry-run.
	CodeDryRun Code = "dry_run"
	// CodeNoService: the order is for a service that is not configured. The owner adds it.
	CodeNoService Code = "no_service"
	// CodeNoGenerator: the generator that began the work, or any, is not configured. The owner adds it.
	CodeNoGenerator Code = "no_generator"
	// CodeSubscription: the order is a paid window, and its service makes no pieces. The owner lets it make them.
	CodeSubscription Code = "subscription"
	// CodeRoundCap: the client has sent the order back more often than allowed. The owner opens a round or refuses.
	CodeRoundCap Code = "round_cap"
	// CodeClientBlocked: the client is in clients.block, so nothing is made or quoted. The owner approves the order, or unblocks the client.
	CodeClientBlocked Code = "client_blocked"
	// CodeClientOpen: the client has as many orders in work as clients.max_open allows. Work begins by itself after one of them.
	CodeClientOpen Code = "client_open"
	// CodeClientRounds: the client has had as many rounds of the order as clients.max_rounds allows. The owner approves the order, or settles it with the client.
	CodeClientRounds Code = "client_rounds"
	// CodeClientCost: another call would go beyond clients.max_cost_usd_30d. The owner approves the order, or raises the limit.
	CodeClientCost Code = "client_cost"
	// CodeQuoteNeeded: the client asks for a price. The owner names it.
	CodeQuoteNeeded Code = "quote_needed"
	// CodeQuoteBounds: the price is outside what the service allows. The owner quotes, or changes the bounds.
	CodeQuoteBounds Code = "quote_bounds"
	// CodeProposalBounds: the assistant proposes a price outside what the service allows. The owner quotes, or retries, which is paid for.
	CodeProposalBounds Code = "proposal_bounds"
	// CodeQuoteDeclined: the pricing program, or the assistant, names no price. The owner quotes or cancels.
	CodeQuoteDeclined Code = "quote_declined"
	// CodeUnknownCall: a call may have been paid for. The owner looks at the account and retries.
	CodeUnknownCall Code = "unknown_call"
	// CodeAttemptCap: another call would go beyond the cap of an attempt. The owner raises it.
	CodeAttemptCap Code = "attempt_cap"
	// CodeOrderCap: another call would go beyond the cap of an order. The owner raises it.
	CodeOrderCap Code = "order_cap"
	// CodeRestored: the ledger was restored, so what was spent on the order is unknown and its cap cannot be kept. The owner looks and retries.
	CodeRestored Code = "restored"
	// CodeUncompared: the ledger was restored, and the marketplace has not shown what was done on the order since. Work resumes once it does.
	CodeUncompared Code = "uncompared"
	// CodeDayCap: another call would go beyond the cap of the day. Work resumes the next day by itself.
	CodeDayCap Code = "day_cap"
	// CodePausedByOwner: the owner has paused the service, or everything. Work resumes when the pause ends.
	CodePausedByOwner Code = "paused_by_owner"
	// CodePrompt: the service's prompt cannot be written for the order. The owner corrects it.
	CodePrompt Code = "prompt"
	// CodeNoPrompt: the order does not say what to make. The owner asks the client, or sets a prompt.
	CodeNoPrompt Code = "no_prompt"
	// CodeNoFeedback: the client has sent the round back without saying why. The owner asks, or retries without.
	CodeNoFeedback Code = "no_feedback"
	// CodeBadTemplate: a message template cannot be used. The owner corrects it.
	CodeBadTemplate Code = "bad_template"
	// CodeSecret: what was made, or a message, contains a secret of the daemon. The owner finds out why.
	CodeSecret Code = "secret"
	// CodeNotMeasured: a link has a size or duration that cannot be measured. The owner drops the requirement.
	CodeNotMeasured Code = "not_measured"
)

// GeneratorAlert returns the alert of a paused generator.
func GeneratorAlert(name string) Alert { return AlertGenerator + Alert(name) }

// ModelAlert returns the alert of a generator whose model ends.
func ModelAlert(name string) Alert { return AlertModel + Alert(name) }

// NotifyAlert returns the alert of a target of notifications that takes no message.
func NotifyAlert(name string) Alert { return AlertNotify + Alert(name) }
