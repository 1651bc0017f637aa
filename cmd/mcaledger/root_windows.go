package main

// refuseForeignDatabase is not needed on Windows: a file inherits the rights of its folder.
func refuseForeignDatabase(string) error { return nil }

func refuseForeignFile(string) error { return nil }

func foreignOwner(string) string { return "" }
