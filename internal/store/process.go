package store

import (
	"errors"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

// thisProcess names this process so that another one of the same host can tell whether it still
// lives. The host's name alone would not do: containers may share it, and a process id means
// nothing outside its namespace and boot.
func thisProcess() (host string, pid int64, started string) {
	name, _ := os.Hostname()
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	namespace, _ := os.Readlink("/proc/self/ns/pid")
	_, started = process(os.Getpid())
	host = strings.Join([]string{name, strings.TrimSpace(string(boot)), namespace}, "/")
	return strings.TrimRight(host, "/"), int64(os.Getpid()), started
}

// automatic is the actor of what the program does by itself.
func automatic() attestation.Actor {
	host, _ := os.Hostname()
	actor := attestation.Actor{Name: "mcaledger", Host: host, Source: attestation.FromProgram}
	if account, err := user.Current(); err == nil {
		actor.UserID = account.Uid
	}
	return actor
}

// dead reports whether the process of this host that once had the id is certainly over.
func dead(pid int64, started string) bool {
	p, err := os.FindProcess(int(pid))
	if err != nil {
		return true
	}
	if err := p.Signal(syscall.Signal(0)); errors.Is(err, os.ErrProcessDone) || errors.Is(err, syscall.ESRCH) {
		return true
	}
	state, now := process(int(pid))
	return state == "Z" || now != "" && started != "" && now != started
}

// process reads a process's state and start time from Linux's /proc; both are empty elsewhere.
func process(pid int) (state, started string) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", ""
	}
	// The name in parentheses may hold anything, parentheses too.
	fields := strings.Fields(string(stat[strings.LastIndex(string(stat), ")")+1:]))
	if len(fields) < 20 {
		return "", ""
	}
	return fields[0], fields[19]
}
