package console

// examples are those of docs/history.md.
var examples = []example{
	{1, "The newest orders", `SELECT id, state, price_usd AS price, cost_usd AS cost, seconds_to_deliver AS seconds
  FROM v_orders ORDER BY created_at DESC LIMIT 4;`},
	{2, "Open orders, the most urgent first", `SELECT id, state, due_at, brief FROM v_orders_open;`},
	{3, "Attempts that did not succeed, the newest first", `SELECT order_id, stage, attempt, outcome, code, seconds FROM v_attempts WHERE outcome <> 'done'
 ORDER BY id DESC LIMIT 50;`},
	{4, "Calls and their cost, the newest first", `SELECT substr(order_id, -8) AS "order", attempt, generator, state, cost_usd AS cost, ticket FROM v_calls
 ORDER BY id DESC LIMIT 50;`},
	{5, "Cost by day, of a week; lost_usd bought nothing", `SELECT day, cost_usd, lost_usd FROM v_costs_daily WHERE day >= date('now', '-7 days');`},
	{6, "The timeline of the newest order", `SELECT substr(at, 12, 12) AS at, what, text FROM v_timeline
 WHERE order_id = (SELECT id FROM v_orders ORDER BY created_at DESC LIMIT 1) AND what NOT IN ('seen', 'file uploaded');`},
	{7, "Earnings by day, of a month", `SELECT * FROM v_earnings_daily WHERE day >= date('now', '-30 days');`},
	{8, "What needs you", `SELECT what, state, code, reason FROM v_attention;`},
	{9, "Requests to the marketplace, by hour", `SELECT hour, kind, requests, refused, unanswered FROM v_requests_hour;`},
}
