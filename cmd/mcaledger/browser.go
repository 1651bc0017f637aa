package main

import (
	"os/exec"
	"runtime"
)

// openBrowser opens an address in the browser of this machine. It returns false where there is
// none.
func (a *app) openBrowser(address string) bool {
	program := a.browser()
	if program == nil {
		return false
	}
	cmd := exec.Command(program[0], append(program[1:], address)...) // without our stdout: it may hold JSON
	cmd.Env = a.Environ
	if cmd.Start() != nil {
		return false
	}
	go func() { _ = cmd.Wait() }()
	return true
}

// browser is the program that opens an address; nil: there is none.
func (a *app) browser() []string {
	if named := a.getenv("BROWSER"); named != "" {
		return []string{named}
	}
	switch runtime.GOOS {
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler"}
	case "darwin":
		return []string{"open"}
	}
	// Without a desktop, xdg-open may start a browser in the terminal.
	if a.getenv("DISPLAY") == "" && a.getenv("WAYLAND_DISPLAY") == "" && a.getenv("WSL_DISTRO_NAME") == "" {
		return nil
	}
	for _, program := range []string{"xdg-open", "wslview", "x-www-browser"} {
		if path, err := exec.LookPath(program); err == nil {
			return []string{path}
		}
	}
	return nil
}
