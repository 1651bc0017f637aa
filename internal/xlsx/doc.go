// Package xlsx reads workbooks in Office Open XML as a stream, in flat memory, as the programs of
// the world write them.
package xlsx
