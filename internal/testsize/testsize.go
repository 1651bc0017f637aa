// Package testsize says how large a test is: small in make test, large in make torture.
package testsize

import "os"

// Of is the usual size of a test, or its size under make torture.
func Of(usual, torture int) int {
	if os.Getenv("TORTURE") != "" {
		return torture
	}
	return usual
}
