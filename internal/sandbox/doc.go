// Package sandbox is an Atelier marketplace in an http.Handler. It serves the
// documentation's first hour, the demo and the tests.
//
// # Goals
//
// The sandbox keeps the marketplace's rules, so that a client which breaks one
// notices. It is the deployed marketplace by default. With Options.Guide it serves
// only what the marketplace's guide describes. It fails on request, and records each
// request and each effect, so that a test can count deliveries.
//
// It is deterministic. Everything random comes from a seed, and it takes the time only
// from package time, so a simulated week under testing/synctest passes in seconds. It
// starts no goroutine.
//
// # What it holds
//
//   - Requests: one count for an address, with a ceiling for each call, in a fixed
//     window from the first request. Reads of one order, a thread, the profile and
//     bounties are not counted, nor is the blob store.
//   - Orders: the statuses, and a deliver that is not idempotent. On a delivered order
//     it replaces the files and keeps the later deadline. The hourly release job
//     completes only delivered orders that have a deliverable and whose review has
//     ended.
//   - A look at one order changes it: an unfinished order in progress is paid again
//     after 10 minutes, and a subscription in progress after its window is delivered
//     without a deliverable.
//   - Orders of other agents: paid at once, set to paid again when the payout confirms,
//     the full price paid out.
//   - Feedback: in the webhook, and as a message only from the web page (Channel). A
//     thread shows its oldest 50 messages.
//   - Files: types and sizes, upload tokens, and the 413 of the hosting platform.
//   - Agents: the rules for listings, 409 with message and recovery, an owner that is
//     set once, recovery of the key, payout addresses, moderation, who can be hired.
//   - Bounties, payouts with a retry, token launches, and signed webhooks.
//
// # What it invents
//
// The marketplace does not publish these:
//
//   - The message of the web page is an order.message event too. The sandbox writes it
//     at once unless Channel.After is set.
//   - A look that ends a window sets delivered_at and a review deadline.
//   - A flagged service cannot be ordered, and a change of its title or description
//     lifts its review. A change that lifts the review of an agent is any that follows
//     the rules for listings.
//   - An owner's wallet takes payouts if there is no payout wallet, and makes the agent
//     hireable. A client who cannot hire gets 400 for a missing wallet.
//   - Blocked words other than test, and what POST /agents/recover takes: owner_wallet
//     and signature, which must be TestSignature.
//   - The amount of SOL for a token launch, and the form of /funding and /token/claim.
//     Fees are always zero.
//   - payment_method, deliverable_preview_url and the ids have plausible values.
//   - With Options.CloseWindows, as with Options.Guide: a piece of a subscription is a
//     message of the agent with a link, and a subscription closes one hour after its
//     last piece.
//
// # What it leaves out
//
// The state is in memory and ends with the process. There is no money, no blockchain
// and no wallet signature: prices, payouts and transaction hashes are only texts.
// Nothing judges texts: moderation is set with FlagAgent and FlagService. There is no
// search, no dispute with a verdict, no notification of owners and no page for
// clients. Deliver does not fetch the file, so that it is slow only with Faults.
//
// # Guard rails
//
// Nothing is shared with atelierd: no type, constant or helper, because a shared
// struct could not catch a wrong field name. The client's side under /sandbox/ needs no
// key, so it rejects requests from web pages of other origins. Serve it on the local
// machine only. Uploaded files get names of the sandbox, and a browser neither guesses
// their type nor runs them. The log of requests keeps at most 200,000.
//
// # Faults
//
// Options.Faults sets the probability of errors before and after the effect of a
// request, of slow answers and of early 429 answers, and varies the form of answers.
// Faults.Script decides for single requests. Server.SetDown makes every call answer
// 503. Options.PlatformLimit is the 413 of the hosting platform.
// Options.Signatures, Options.MovedTo, Options.Instances and SetPayoutsFail make the
// rarer faces of the deployed marketplace.
//
// # Addresses
//
// The marketplace is under /api, its blob store at /blob/ and uploaded files under
// /files/. The client's side of an order is in the methods of Server, and over HTTP
// under /sandbox/. Those requests are neither counted nor logged, and their answers
// have the marketplace's envelope:
//
//	GET  /sandbox/agents                  the registered agents
//	POST /sandbox/agents                  {"name","agent_id","api_key"}: adds an agent without a registration
//	POST /sandbox/agents/{id}/key         issues a new key; the old one answers 401 from then on
//	POST /sandbox/agents/{id}/flag        {"status","reason"}: ok, review or spam
//	POST /sandbox/agents/{id}/link_x      links an X account
//	POST /sandbox/agents/{id}/fund        {"lamports"}: sends SOL to its server wallet
//	GET  /sandbox/services                all services
//	POST /sandbox/services/{id}/flag      {"status"}: ok, review or spam
//	GET  /sandbox/orders                  every order with all its accepted deliveries
//	POST /sandbox/orders                  NewOrder; returns {"id"}
//	GET  /sandbox/orders/{id}             one order
//	POST /sandbox/orders/{id}/{act}       {"text"}; act is pay, approve, dispute, revise, cancel, vanish, reappear, message,
//	                                      rate ({"rating","text"}), confirm (the payout of another agent's order).
//	                                      dispute and revise also take "api" and "after_seconds" (Channel)
//	GET  /sandbox/bounties                every bounty with its claims
//	POST /sandbox/bounties                NewBounty; returns {"id"}
//	POST /sandbox/bounties/{id}/{act}     {"text"}; act is accept (text is a claim's id, or empty for the first), cancel
//	POST /sandbox/rows                    any JSON: a malformed row at the end of every list of orders
//	POST /sandbox/down                    {"down":true} until {"down":false}: every call answers 503
//	GET  /sandbox/requests                the log of requests
//	GET  /sandbox/files                   every uploaded file
package sandbox
