//! What the service manager of Windows wants: a program that is installed, that reports to it, and that ends
//! when it is told to.

use std::error::Error;
use std::ffi::OsString;
use std::sync::mpsc;
use std::time::Duration;

use windows_service::service::{
    Service, ServiceAccess, ServiceControl, ServiceControlAccept, ServiceErrorControl,
    ServiceExitCode, ServiceInfo, ServiceStartType, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_service::{define_windows_service, service_dispatcher};

use super::heater;

const NAME: &str = "cohabit-example-heater";
/// How long between two looks at what the manager says; it has no way to wait.
const AGAIN: Duration = Duration::from_millis(50);

type Outcome = Result<(), Box<dyn Error>>;

/// Has the manager know the service: this program, with the group whose members write.
pub(crate) fn install(group: &str) -> Outcome {
    let access = ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE;
    let manager = ServiceManager::local_computer(None::<&str>, access)?;
    let service = ServiceInfo {
        name: NAME.into(),
        display_name: "cohabit example: heater".into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::OnDemand,
        error_control: ServiceErrorControl::Normal,
        executable_path: std::env::current_exe()?,
        launch_arguments: vec!["serve".into(), group.into()],
        dependencies: vec![],
        // The system's own.
        account_name: None,
        account_password: None,
    };
    manager.create_service(&service, ServiceAccess::QUERY_STATUS)?;
    println!("installed, to be written by {group}");
    Ok(())
}

/// Starts it, and returns once it runs: the object is there then.
pub(crate) fn start() -> Outcome {
    let service = open(ServiceAccess::START)?;
    service.start::<&str>(&[])?;
    reach(&service, ServiceState::Running)
}

/// Stops it, and returns once it has ended.
pub(crate) fn stop() -> Outcome {
    let service = open(ServiceAccess::STOP)?;
    service.stop()?;
    reach(&service, ServiceState::Stopped)
}

/// Has the manager forget it.
pub(crate) fn remove() -> Outcome {
    open(ServiceAccess::DELETE)?.delete()?;
    println!("removed");
    Ok(())
}

fn open(access: ServiceAccess) -> windows_service::Result<Service> {
    let manager = ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT)?;
    manager.open_service(NAME, access | ServiceAccess::QUERY_STATUS)
}

/// Waits until the service is in a state; one that stops instead failed.
fn reach(service: &Service, wanted: ServiceState) -> Outcome {
    loop {
        let status = service.query_status()?;
        match status.current_state {
            state if state == wanted => break,
            ServiceState::Stopped => return Err(format!("failed: {:?}", status.exit_code).into()),
            _ => std::thread::sleep(AGAIN),
        }
    }
    println!("{wanted:?}");
    Ok(())
}

define_windows_service!(entry, run);

/// Gives the main thread to the manager, which calls [`run`] on another one.
pub(crate) fn dispatch() -> Outcome {
    Ok(service_dispatcher::start(NAME, entry)?)
}

/// Reports, serves, and reports how it ended. Nobody hears an error of the reporting.
fn run(_: Vec<OsString>) {
    let group = std::env::args().nth(2).unwrap_or_default();
    let (stop, over) = mpsc::channel();
    let told = move |control| match control {
        ServiceControl::Stop => {
            // Where nobody listens any more, it has ended.
            let _ = stop.send(());
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    let Ok(manager) = service_control_handler::register(NAME, told) else { return };
    let report = |current_state, controls_accepted, exit_code| {
        let _ = manager.set_service_status(ServiceStatus {
            service_type: ServiceType::OWN_PROCESS,
            current_state,
            controls_accepted,
            exit_code,
            checkpoint: 0,
            wait_hint: Duration::default(),
            process_id: None,
        });
    };
    let running =
        || report(ServiceState::Running, ServiceControlAccept::STOP, ServiceExitCode::NO_ERROR);
    let exit_code = match heater::serve(&group, &over, running) {
        Ok(()) => ServiceExitCode::NO_ERROR,
        Err(_) => ServiceExitCode::ServiceSpecific(1),
    };
    report(ServiceState::Stopped, ServiceControlAccept::empty(), exit_code);
}
