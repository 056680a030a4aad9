//go:build !race

package main

const defaultSeeds = 200
