use super::*;

fn merge(flags: &[(&'static str, &str)], environment: &[(&str, &str)], file: Option<&str>) -> Result<Settings, ConfigError> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("godwit.toml");
    if let Some(text) = file {
        std::fs::write(&path, text).expect("file");
    }
    Settings::merge(
        &flags.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        Some((path, file.is_some())),
    )
}

#[test]
fn flag_wins_over_environment_over_file_over_default() {
    let file = Some("retention-days = 3\nlisten = \"0.0.0.0:1\"\nrate = 5");
    let environment = [("GODWIT_RETENTION_DAYS", "2"), ("GODWIT_RATE", "6")];
    let settings = merge(&[("retention-days", "1")], &environment, file).expect("settings");
    assert_eq!(settings.whole("retention-days"), 1);
    assert!((settings.number("rate") - 6.0).abs() < 1e-9);
    assert_eq!(settings.get("listen"), Some("0.0.0.0:1"));
    assert_eq!(settings.whole("stations"), 20_000);
    assert!(settings.is_set("rate") && !settings.is_set("stations"));
}

#[test]
fn a_wrong_value_names_key_value_and_what_is_allowed() {
    for (key, value) in [
        ("listen", "nonsense"),
        ("listen", ":80"),
        ("listen", "1:2:3"),
        ("listen", "h:99999"),
        ("rate", "0"),
        ("rate", "NaN"),
        ("rate", "many"),
        ("retention-days", "-1"),
        ("callsign", "X"),
        ("callsign", "WAY2LONGCALL"),
        ("demo", "maybe"),
        ("view", "1,2"),
        ("view", "91,0,3"),
        ("tiles-url", "file:///etc/{z}{x}{y}"),
        ("tiles-url", "https://a;b/{z}/{x}/{y}"),
        ("filter", "r/1/2/3\r\nuser X"),
        ("aprs-is", "host"),
        ("devices-url", "http://example.org/x"),
        ("devices-url", "http://127.0.0.1.example.org/x"),
        ("devices-url", "https://"),
        ("devices-url", "http://127.0.0.1:80@evil.example/"),
        ("allowed-origins", "map.example.org"),
        ("log-format", "xml"),
    ] {
        let error = merge(&[(key, value)], &[], None).expect_err(value).to_string();
        assert!(error.contains(key) && error.contains("allowed is"), "{error}");
        assert!(!error.contains('\r'), "control characters are escaped: {error}");
    }
}

#[test]
fn the_file_is_checked() {
    let error = merge(&[], &[], Some("retention_dais = 3")).expect_err("unknown key").to_string();
    assert!(error.contains("retention_dais") && error.contains("did you mean `retention-days`"), "{error}");
    assert!(merge(&[], &[], Some("retention-days = [")).is_err());
    assert!(merge(&[], &[], Some("retention-days = { a = 1 }")).is_err());
    let list = merge(&[], &[], Some("aprs-is = [\"a.example:1\", \"b.example:2\"]")).expect("list");
    assert_eq!(list.get("aprs-is"), Some("a.example:1,b.example:2"));
}

#[test]
fn secrets_are_never_printed() {
    let settings = merge(&[("passcode", "12345")], &[("GODWIT_DATABASE_URL", "postgres://u:geheim@h/d")], None).expect("settings");
    let shown = settings.to_string();
    assert!(!shown.contains("12345") && !shown.contains("geheim"), "{shown}");
    assert!(shown.contains("\"***\""), "{shown}");
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("url");
    std::fs::write(&file, "postgres://u:geheim@h/d\n").expect("file");
    let file = file.to_str().expect("path");
    for settings in [
        merge(&[("database-url-file", file)], &[("GODWIT_DATABASE_URL", "postgres://other")], None),
        merge(&[], &[("GODWIT_DATABASE_URL_FILE", file)], Some("database-url = 'postgres://other'")),
        merge(&[], &[], Some(&format!("database-url-file = '{file}'"))),
    ] {
        let settings = settings.expect("settings");
        assert_eq!(settings.get("database-url"), Some("postgres://u:geheim@h/d"));
        assert!(!settings.to_string().contains("geheim"));
    }
    let missing = merge(&[("database-url-file", "/nowhere/url")], &[], None).expect_err("no file").to_string();
    assert!(missing.contains("/nowhere/url"), "{missing}");
    let error = merge(&[("passcode", "99999999")], &[], None).expect_err("range").to_string();
    assert!(!error.contains("99999999"), "{error}");
}

#[test]
fn what_config_show_prints_is_a_file_that_gives_the_same() {
    let settings = merge(&[("view", "1,2,3"), ("log", "info,a=\"b\\c")], &[], None).expect("settings");
    let again = merge(&[], &[], Some(&settings.to_string())).expect("own output");
    assert!(KEYS.iter().all(|key| settings.get(key.name) == again.get(key.name)));
}

#[test]
fn every_default_is_allowed() {
    for key in KEYS.iter().filter(|key| !key.default.is_empty()) {
        assert!(key.check(key.default, &Origin::Default).is_ok(), "{}", key.name);
    }
}

/// docs/configuration.md is made from the list of keys: `make bless` writes it, this compares it.
#[test]
fn the_reference_page_is_true_bless() {
    let mut page = String::from(
        "# Configuration\n\nEvery setting by one name: the flag `--NAME`, the variable `GODWIT_NAME` (capitals, `_` for `-`), the line `NAME = ...` in \
         the TOML file (`--config FILE`, `GODWIT_CONFIG`, or `godwit.toml` where it is started). A flag wins over the environment, that over the file, \
         that over the default. `godwit config show` prints what is in force and where it came from. A value that may not stand is refused at the start.\n\n\
         This page is made from the program's own list (`make bless`).\n\n| name | default | allowed | commands | what |\n|---|---|---|---|---|\n",
    );
    for key in KEYS {
        let commands: Vec<String> = key.commands.iter().map(|command| format!("{command:?}").to_lowercase()).collect();
        let default = if key.default.is_empty() { String::new() } else { format!("`{}`", key.default) };
        page += &format!(
            "| `{}` | {default} | {} | {} | {}{} |\n",
            key.name,
            key.allowed,
            commands.join(", "),
            key.help,
            if key.secret { format!(" (never printed; `{}` names a file that holds it)", key.file) } else { String::new() }
        );
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &page).expect("written");
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), page, "run `make bless`");
}
