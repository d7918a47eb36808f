//! The agent as a service of Windows, under an account that may change nothing.

use crate::telling::say;
use crate::{cycle, home::Home, telling};
use anyhow::{Context, Result};
use clap::Subcommand;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;
use windows_service::service::{
    ServiceAccess, ServiceAction, ServiceActionType, ServiceControl, ServiceControlAccept, ServiceErrorControl,
    ServiceExitCode, ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo, ServiceStartType, ServiceState,
    ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_service::{define_windows_service, service_dispatcher};

const NAME: &str = "plimsoll-agent";
/// It may read what everybody may, and speak to the network; it is no administrator.
const ACCOUNT: &str = r"NT AUTHORITY\LocalService";
const RESTART_AFTER: Duration = Duration::from_secs(30);

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Register the service, to be started with the system, under the account of local services
    Install,
    /// Take the service away
    Remove,
    /// Be the service: what the service manager begins
    #[command(hide = true)]
    Run,
}

pub(crate) fn act(command: &Command, state: &Path) -> Result<()> {
    match command {
        Command::Install => install(state),
        Command::Remove => remove(),
        Command::Run => {
            // Only the first call counts; there is no second.
            let _ = STATE.set(state.to_owned());
            service_dispatcher::start(NAME, ffi_main).context("failed to be a service: the service manager begins it")
        }
    }
}

fn install(state: &Path) -> Result<()> {
    // Whoever has not enrolled is told at once.
    Home::new(state).identity()?;
    let access = ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE;
    let manager = ServiceManager::local_computer(None::<&str>, access)
        .context("failed to reach the service manager: an administrator may")?;
    let info = ServiceInfo {
        name: NAME.into(),
        display_name: "Plimsoll agent".into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: std::env::current_exe().context("failed to find the agent's own program")?,
        launch_arguments: vec!["--state".into(), std::path::absolute(state)?.into(), "service".into(), "run".into()],
        dependencies: Vec::new(),
        account_name: Some(ACCOUNT.into()),
        account_password: None,
    };
    let access = ServiceAccess::CHANGE_CONFIG | ServiceAccess::START;
    let service = manager.create_service(&info, access).context("failed to register the service")?;
    service.set_description("Reports to a Plimsoll server what is installed and what is missing")?;
    service.update_failure_actions(ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(Duration::from_secs(24 * 3600)),
        reboot_msg: None,
        command: None,
        actions: Some(vec![ServiceAction { action_type: ServiceActionType::Restart, delay: RESTART_AFTER }]),
    })?;
    // Whatever it ends with that is not a wish to stop, it is begun again.
    if let Err(error) = service.set_failure_actions_on_non_crash_failures(true) {
        say(&format!("where it ends by itself the service will not be begun again: {error}"));
    }
    service.start::<OsString>(&[]).context("the service is registered, and failed to start")?;
    say(&format!("the service `{NAME}` is registered and runs"));
    Ok(())
}

fn remove() -> Result<()> {
    let manager = ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT)?;
    let access = ServiceAccess::STOP | ServiceAccess::DELETE;
    let service = manager.open_service(NAME, access).with_context(|| format!("failed to open the service `{NAME}`"))?;
    // One that does not run cannot be stopped.
    let _ = service.stop();
    service.delete().context("failed to take the service away")?;
    say(&format!("the service `{NAME}` is gone; the agent's folder stays"));
    Ok(())
}

/// Where the service keeps its things: its entry has no other way to learn of it.
static STATE: OnceLock<PathBuf> = OnceLock::new();

define_windows_service!(ffi_main, main);

fn main(_: Vec<OsString>) {
    if let Err(error) = serve() {
        say(&format!("error: {error:#}"));
    }
}

/// Reports until the service manager says to stop, or reporting ends.
fn serve() -> Result<()> {
    let state = STATE.get().context("the service was not begun by the service manager")?;
    telling::to_file(&state.join("agent.log"))?;
    let (stop, ended) = mpsc::channel();
    let stopped = stop.clone();
    let handle = move |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown => {
            // Where nobody waits it has ended already.
            let _ = stopped.send(Ok(()));
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    let manager = service_control_handler::register(NAME, handle)?;
    manager.set_service_status(status(ServiceState::Running, 0))?;
    let home = Home::new(state);
    std::thread::spawn(move || {
        let ran = std::panic::catch_unwind(|| cycle::run(&home));
        // As above.
        let _ = stop.send(ran.unwrap_or_else(|_| Err(anyhow::anyhow!("reporting ended in a panic"))));
    });
    let done = ended.recv().unwrap_or(Ok(()));
    manager.set_service_status(status(ServiceState::Stopped, u32::from(done.is_err())))?;
    done
}

fn status(current_state: ServiceState, code: u32) -> ServiceStatus {
    let runs = current_state == ServiceState::Running;
    let accepted = ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN;
    ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state,
        controls_accepted: if runs { accepted } else { ServiceControlAccept::empty() },
        exit_code: ServiceExitCode::Win32(code),
        checkpoint: 0,
        wait_hint: Duration::ZERO,
        process_id: None,
    }
}
