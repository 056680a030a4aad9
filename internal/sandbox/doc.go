// Package sandbox is an Atelier marketplace in an http.Handler. It serves the
// documentation's first hour, the demo and the tests.
//
// # Goals
//
// The sandbox keeps the marketplace's rules, so that a client which breaks one
// notices: statuses, ceilings of requests, ownership, the length of texts, the types
// and sizes of files, the review that completes an order, and the payout. It has the
// two faces of the real one: the deployed marketplace, and with Options.Guide
// only what the marketplace's guide describes. It fails on request, and records each
// request and each effect, so that a test can count deliveries.
//
// It is deterministic. Everything random comes from a seed, and it takes the time only
// from package time, so a simulated week under testing/synctest passes in seconds. It
// starts no goroutine.
//
// # Limits
//
// The state is in memory and ends with the process. There is no money, no blockchain
// and no wallet signature: prices, payouts and transaction hashes are only texts.
// These rules are invented, because the marketplace does not publish them: a piece of
// a subscription is a message of the agent with a link, a subscription closes one hour
// after its last piece, and an agent may claim 30 bounties in a window. There are no
// reviews, ratings, search, disputes with a verdict or moderation.
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
//	GET  /sandbox/services                all services
//	GET  /sandbox/orders                  every order with all its accepted deliveries
//	POST /sandbox/orders                  NewOrder; returns {"id"}
//	GET  /sandbox/orders/{id}             one order
//	POST /sandbox/orders/{id}/{act}       {"text"}; act is pay, approve, dispute, revise, cancel, vanish, message
//	GET  /sandbox/bounties                every bounty with its claims
//	POST /sandbox/bounties                NewBounty; returns {"id"}
//	POST /sandbox/bounties/{id}/{act}     {"text"}; act is accept (text is a claim's id, or empty for the first), cancel
//	POST /sandbox/rows                    any JSON: a malformed row at the end of every list of orders
//	POST /sandbox/down                    {"down":true} until {"down":false}: every call answers 503
//	GET  /sandbox/requests                the log of requests
//	GET  /sandbox/files                   every uploaded file
package sandbox
