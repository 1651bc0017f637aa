package main

import (
	"cmp"
	"context"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// programVersion is what the linker was told, else what the Go tool knows of the build.
func programVersion() string {
	built := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		built = info.Main.Version
	}
	return cmp.Or(version, built)
}

type versionReply struct {
	envelope
	Version string `json:"version"`
	Go      string `json:"go"`
}

func (a *app) versionCommand() *cobra.Command {
	r := &versionReply{envelope: envelope{Command: "version"}, Version: programVersion(), Go: runtime.Version()}
	cmd := a.command("version", "print the program's version", r, func(context.Context) error {
		a.answerf("mcaledger %s (%s, %s/%s)\n", r.Version, r.Go, runtime.GOOS, runtime.GOARCH)
		return nil
	})
	return example(cmd, "mcaledger version --json")
}
