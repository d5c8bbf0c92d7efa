"""What browser tests share: a WebDriver client, a server of their own, an accessibility check. Names no slice."""
