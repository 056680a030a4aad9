//go:build race

package main

// Under the race detector a week takes several times as long, and its races
// show in few of them.
const defaultSeeds = 12
