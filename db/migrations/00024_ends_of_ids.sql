-- +goose Up

-- An id may be named by its last characters, six at least.
CREATE INDEX orders_end ON orders (substr(id, -6));
CREATE INDEX bounties_end ON bounties (substr(id, -6));
