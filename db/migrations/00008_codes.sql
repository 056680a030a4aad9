-- +goose Up

-- What a provider answers has codes of its own, apart from the marketplace's. A
-- failure of a generator holds work, the same word of the marketplace does not.
UPDATE orders SET code = 'provider_' || code
WHERE state = 'held' AND code IN ('key_refused', 'key_missing', 'not_found', 'rejected', 'too_large')
  AND EXISTS (SELECT 1 FROM jobs AS j WHERE j.order_id = orders.id AND j.state = 'held'
              AND j.stage IN ('generate', 'price') AND j.code = orders.code);
UPDATE jobs SET code = 'provider_' || code
WHERE state = 'held' AND stage IN ('generate', 'price')
  AND code IN ('key_refused', 'key_missing', 'not_found', 'rejected', 'too_large');
UPDATE attempts SET code = 'provider_' || code
WHERE outcome = 'hold' AND stage IN ('generate', 'price')
  AND code IN ('key_refused', 'key_missing', 'not_found', 'rejected', 'too_large');

-- A lost answer is not the same as a request that was sent again and again and
-- never arrived.
UPDATE orders SET code = 'never_arrived' WHERE state = 'held' AND code = 'no_answer';
UPDATE jobs SET code = 'never_arrived' WHERE state = 'held' AND code = 'no_answer';
UPDATE attempts SET code = 'never_arrived' WHERE outcome = 'hold' AND code = 'no_answer';
