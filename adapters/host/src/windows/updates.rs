//! What the Windows Update Agent says (`wuapi.h`).
#![expect(unsafe_code, reason = "the agent is reached by COM alone, and every call of it is unsafe")]

use inventory::windows::{Update, Updates};
use windows::Win32::Foundation::{DECIMAL, VARIANT_BOOL};
use windows::Win32::System::Com::{CLSCTX_ALL, COINIT_MULTITHREADED, CoCreateInstance, CoInitializeEx};
use windows::Win32::System::UpdateAgent::{
    AutomaticUpdates, IAutomaticUpdates2, IStringCollection, IUpdate, IUpdate2, IUpdateSearcher, IUpdateSession,
    UpdateSession, orcSucceeded, orcSucceededWithErrors,
};
use windows::core::{BSTR, Interface, Result};

/// The category of security updates.
const SECURITY: &str = "0fa1201d-4330-4fa8-8ae9-b877473b6441";
/// All that concerns the host: what is installed, and what is missing, hidden or not.
const CRITERIA: &str = "(IsInstalled=1) or (IsInstalled=0 and IsHidden=0) or (IsInstalled=0 and IsHidden=1)";
/// The days between the beginning of OLE's dates (1899-12-30) and 1970.
const DAYS_TO_1970: f64 = 25_569.0;

/// Asks the agent. It is asked what it knows, and goes to the organisation's update service for it where it does that by itself too.
pub(super) fn ask() -> std::result::Result<Updates, String> {
    search().map_err(|error| format!("{} (0x{:08x})", error.message(), error.code().0))
}

fn search() -> Result<Updates> {
    // SAFETY: this thread has not entered an apartment, and ends with what it asked for.
    let session: IUpdateSession = unsafe {
        CoInitializeEx(None, COINIT_MULTITHREADED).ok()?;
        CoCreateInstance(&UpdateSession, None, CLSCTX_ALL)?
    };
    // SAFETY: the session is one that the system gave, and lives until the end.
    let searcher = unsafe { session.CreateUpdateSearcher()? };
    let (all, is_incomplete) = found_by(&searcher)?;
    Ok(Updates { all, is_incomplete, asked_at: asked_at() })
}

/// What a search finds, and whether some of it may be missing.
fn found_by(searcher: &IUpdateSearcher) -> Result<(Vec<Update>, bool)> {
    // SAFETY: all objects are such as the system gave, used by the one thread that asked for them.
    unsafe {
        searcher.SetIncludePotentiallySupersededUpdates(VARIANT_BOOL::from(true))?;
        let result = searcher.Search(&BSTR::from(CRITERIA))?;
        let code = result.ResultCode()?;
        if code != orcSucceeded && code != orcSucceededWithErrors {
            return Err(windows::core::Error::new(
                windows::core::HRESULT(-1),
                format!("the search ended with {}", code.0),
            ));
        }
        let updates = result.Updates()?;
        let count = updates.Count()?;
        // One that cannot be read takes no other one with it.
        let found: Vec<Update> = (0..count).filter_map(|at| read(&updates.get_Item(at).ok()?).ok()).collect();
        let is_incomplete = code == orcSucceededWithErrors || found.len() as i64 != i64::from(count);
        Ok((found, is_incomplete))
    }
}

/// When the host last asked its service with success. Who may not know it does not know it.
fn asked_at() -> Option<i64> {
    // SAFETY: as above; the value is owned by the variant, which is freed at the end.
    let days = unsafe {
        let automatic: IAutomaticUpdates2 = CoCreateInstance(&AutomaticUpdates, None, CLSCTX_ALL).ok()?;
        f64::try_from(&automatic.Results().ok()?.LastSearchSuccessDate().ok()?).ok()?
    };
    seconds(days)
}

/// OLE's days since 1899-12-30, in seconds since 1970; none for a date that is none.
fn seconds(days: f64) -> Option<i64> {
    let seconds = (days - DAYS_TO_1970) * 86_400.0;
    (days > 0.0 && seconds.is_finite()).then_some(seconds as i64)
}

fn read(update: &IUpdate) -> Result<Update> {
    // SAFETY: the update is one that the system gave, used by the thread that asked for it.
    unsafe {
        let identity = update.Identity()?;
        let categories = update.Categories()?;
        let mut known = Update {
            id: identity.UpdateID()?.to_string(),
            title: update.Title()?.to_string(),
            articles: texts(&update.KBArticleIDs()?)?.into_iter().map(|number| format!("KB{number}")).collect(),
            supersedes: texts(&update.SupersededUpdateIDs()?)?,
            severity: update.MsrcSeverity().unwrap_or_default().to_string(),
            is_installed: update.IsInstalled()?.as_bool(),
            is_hidden: update.IsHidden()?.as_bool(),
            published_at: update.LastDeploymentChangeTime().ok().and_then(seconds),
            size_bytes: update.MaxDownloadSize().map(|size| whole(&size)).unwrap_or_default(),
            ..Update::default()
        };
        for at in 0..categories.Count()? {
            known.is_security |= categories.get_Item(at)?.CategoryID()?.to_string().eq_ignore_ascii_case(SECURITY);
        }
        if let Ok(later) = update.cast::<IUpdate2>() {
            known.vulnerabilities = texts(&later.CveIDs()?)?;
        }
        Ok(known)
    }
}

fn texts(collection: &IStringCollection) -> Result<Vec<String>> {
    // SAFETY: the collection is one that the system gave.
    unsafe { (0..collection.Count()?).map(|at| Ok(collection.get_Item(at)?.to_string())).collect() }
}

/// The whole part of a size; sizes have no other.
fn whole(size: &DECIMAL) -> u64 {
    // SAFETY: both variants of the unions are numbers, which any bits are.
    unsafe { size.Anonymous2.Lo64 }
}
